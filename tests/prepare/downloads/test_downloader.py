"""Fetching a file from servers that fail in all the ways that are known."""

import hashlib
import json

import numpy as np
import pytest
import requests
from file_server import Served, serve

from fairseq_mlkd.prepare.downloads.downloader import CHECKSUMS_FILE, Downloader
from fairseq_mlkd.prepare.downloads.session import Session, Unavailable
from fairseq_mlkd.prepare.origins import Checksum, RemoteFile

CONTENT, OTHER = (
    b"\x1f\x8b" + np.random.default_rng(seed).bytes(300_000) for seed in (1, 2)
)
PATH = "some/archive.tar.gz"


def sha256(content):
    return Checksum("sha256", hashlib.sha256(content).hexdigest(), "its authors")


@pytest.fixture
def served():
    return Served(CONTENT)


@pytest.fixture
def server(served):
    with serve({"/archive": served}) as server:
        yield server


@pytest.fixture
def downloader(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return Downloader(tmp_path, backoff=0.001)


def remote(server, checksum=None, size=None):
    return RemoteFile(f"{server.url}/archive", PATH, checksum, size)


def names(tmp_path):
    return sorted(path.name for path in (tmp_path / "some").glob("*"))


def starts(server):
    return [start for _, start in server.log]


def test_a_file_arrives_with_nothing_beside_it(server, downloader, tmp_path):
    path = downloader.obtain(remote(server, sha256(CONTENT), len(CONTENT)))
    assert path.read_bytes() == CONTENT
    assert names(tmp_path) == ["archive.tar.gz"]
    assert not (tmp_path / CHECKSUMS_FILE).exists()


def test_a_file_that_is_there_is_checked_without_network(served, downloader):
    with serve({"/archive": served}) as server:
        file = remote(server, sha256(CONTENT))
        downloader.obtain(file)
    assert downloader.obtain(file).read_bytes() == CONTENT


def test_cut_connections_are_continued(server, served, downloader):
    served.cuts = [100_000, 0, 70_000]
    path = downloader.obtain(remote(server))
    assert path.read_bytes() == CONTENT
    whole, first, second, third = starts(server)
    assert whole == 0 < first == second <= 100_000 < third <= 170_000


def test_a_new_run_continues_what_another_left(server, served, downloader):
    served.cuts = [100_000] + [0] * 20
    with pytest.raises(ValueError, match="breaks off again and again; fetch it by"):
        downloader.obtain(remote(server))
    served.cuts = []
    server.log.clear()
    path = Downloader(downloader.folder).obtain(remote(server))
    assert path.read_bytes() == CONTENT
    assert len(server.log) == 1 and starts(server)[0] > 0


@pytest.mark.parametrize("obeys_if_range", [True, False])
@pytest.mark.parametrize("etag", ['"2"', 'W/"2"', ""])
def test_two_versions_are_never_joined(
    server, served, downloader, obeys_if_range, etag
):
    served.cuts = [100_000] + [0] * 20
    with pytest.raises(ValueError, match="again and again"):
        downloader.obtain(remote(server))
    changed = Served(OTHER, etag=etag, obeys_if_range=obeys_if_range)
    server.files["/archive"] = changed
    assert downloader.obtain(remote(server)).read_bytes() == OTHER


def test_without_etag_and_date_the_size_tells_versions_apart(
    server, served, downloader
):
    served.etag = ""
    served.cuts = [100_000]
    assert downloader.obtain(remote(server)).read_bytes() == CONTENT
    assert len(server.log) == 2 and starts(server)[1] > 0


def test_a_date_tells_versions_apart_where_the_etag_is_weak(server, served, downloader):
    served.etag, served.last_modified = 'W/"1"', "Sun, 01 Nov 2026 08:00:00 GMT"
    served.cuts = [100_000]
    assert downloader.obtain(remote(server)).read_bytes() == CONTENT
    assert len(server.log) == 2 and starts(server)[1] > 0


def test_a_part_that_begins_elsewhere_is_not_taken(server, served, downloader):
    served.shift, served.cuts = 1000, [100_000]
    assert downloader.obtain(remote(server)).read_bytes() == CONTENT


def test_a_file_of_unknown_size_starts_over(server, served, downloader, tmp_path):
    partial = tmp_path / f"{PATH}.partial"
    partial.parent.mkdir()
    partial.write_bytes(CONTENT[:1000])
    version = {"url": remote(server).url, "validator": served.etag, "size": None}
    partial.with_name(f"{partial.name}.json").write_text(json.dumps(version))
    assert downloader.obtain(remote(server)).read_bytes() == CONTENT
    assert starts(server) == [0]


def test_a_server_without_ranges_starts_over(server, served, downloader):
    served.ranges, served.cuts = False, [100_000]
    assert downloader.obtain(remote(server)).read_bytes() == CONTENT


def test_a_whole_partial_file_needs_no_request(server, downloader, tmp_path):
    path = downloader.obtain(remote(server))
    partial = path.with_name("archive.tar.gz.partial")
    path.rename(partial)
    version = {"url": remote(server).url, "validator": None, "size": len(CONTENT)}
    partial.with_name(f"{partial.name}.json").write_text(json.dumps(version))
    server.log.clear()
    assert downloader.obtain(remote(server)).read_bytes() == CONTENT
    assert server.log == [] and names(tmp_path) == ["archive.tar.gz"]


@pytest.mark.parametrize("note", [None, "", "[]", '{"url": 1}', '{"size": 3}'])
def test_bytes_of_unknown_origin_are_not_continued(server, downloader, tmp_path, note):
    partial = tmp_path / f"{PATH}.partial"
    partial.parent.mkdir()
    partial.write_bytes(b"???")
    if note is not None:
        partial.with_name(f"{partial.name}.json").write_text(note)
    assert downloader.obtain(remote(server)).read_bytes() == CONTENT


def test_a_busy_server_is_asked_again(server, served, downloader):
    served.statuses = [503, 429]
    assert downloader.obtain(remote(server)).read_bytes() == CONTENT


@pytest.mark.parametrize(
    "changes, complaint",
    [
        ({"statuses": [404]}, "HTTP 404 Not Found"),
        ({"statuses": [503] * 5}, "HTTP 503 Service Unavailable"),
        ({"content_type": "text/html; charset=utf-8"}, "a web page came in place"),
        ({"content": CONTENT[:9]}, "it now has 9 bytes, not 300,002"),
    ],
)
def test_what_a_server_does_not_give_is_one_line(
    server, served, downloader, tmp_path, changes, complaint
):
    for name, value in changes.items():
        setattr(served, name, value)
    with pytest.raises(ValueError) as error:
        downloader.obtain(remote(server, sha256(CONTENT), len(CONTENT)))
    line = str(error.value)
    assert complaint in line and "\n" not in line
    assert f"put it at {tmp_path / PATH}" in line and server.url in line
    assert list(tmp_path.iterdir()) == []


def test_without_network_the_line_says_what_to_fetch(served, downloader, tmp_path):
    with serve({}) as server:
        file = remote(server)
    with pytest.raises(ValueError) as error:
        downloader.obtain(file)
    line = str(error.value)
    assert line.startswith(f"{file.url}: no connection to 127.0.0.1")
    assert line.endswith(f"put it at {tmp_path / PATH} and run the same command")


def test_a_wrong_checksum_gives_the_file_no_name(server, downloader, tmp_path):
    with pytest.raises(ValueError, match=r"sha256 is \w+, not \w+ \(its authors\)"):
        downloader.obtain(remote(server, sha256(OTHER)))
    assert names(tmp_path) == ["archive.tar.gz.bad"]


def test_a_packed_transfer_is_stored_as_it_came(server, served, downloader):
    served.headers["Content-Encoding"] = "x-gzip"
    path = downloader.obtain(remote(server, sha256(CONTENT)))
    assert path.read_bytes() == CONTENT


def test_a_file_put_there_by_hand_is_checked(server, downloader, tmp_path):
    path = tmp_path / PATH
    path.parent.mkdir()
    path.write_bytes(OTHER)
    with pytest.raises(ValueError, match="move it away"):
        downloader.obtain(remote(server, sha256(CONTENT)))
    assert path.read_bytes() == OTHER  # not ours to remove
    path.write_bytes(CONTENT)
    assert downloader.obtain(remote(server, sha256(CONTENT))) == path
    assert server.log == []


def test_without_a_published_checksum_the_first_file_sets_it(
    server, served, downloader, tmp_path
):
    path = downloader.obtain(remote(server))
    records = json.loads((tmp_path / CHECKSUMS_FILE).read_text())
    assert records == {PATH: hashlib.sha256(CONTENT).hexdigest()}
    path.unlink()
    served.content = OTHER
    with pytest.raises(ValueError, match=rf"first download, {CHECKSUMS_FILE}"):
        downloader.obtain(remote(server))
    path.write_bytes(OTHER)
    with pytest.raises(ValueError, match="move it away"):
        downloader.obtain(remote(server))


def test_what_is_no_archive_sets_no_checksum(server, downloader, tmp_path):
    path = tmp_path / PATH
    path.parent.mkdir()
    path.write_text("<html>Sign in</html>")
    with pytest.raises(ValueError, match=r"no \.gz file, its first bytes are b'<htm'"):
        downloader.obtain(remote(server))
    assert not (tmp_path / CHECKSUMS_FILE).exists()


def test_damaged_records_are_named(server, downloader, tmp_path):
    (tmp_path / CHECKSUMS_FILE).write_text("{")
    with pytest.raises(ValueError, match=rf"{CHECKSUMS_FILE}: not JSON"):
        downloader.obtain(remote(server))


def test_a_full_disk_is_one_line_and_continues(server, downloader):
    resource = pytest.importorskip("resource", reason="needs a limit on file sizes")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, before[1]))
    try:
        with pytest.raises(
            ValueError, match="archive.tar.gz: File too large; the same"
        ):
            downloader.obtain(remote(server))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert downloader.obtain(remote(server)).read_bytes() == CONTENT
    assert starts(server)[-1] > 0


def test_redirects_are_followed(server, served, downloader):
    server.files["/moved"] = Served(b"", statuses=[302])
    server.redirect = "/archive"
    file = RemoteFile(f"{server.url}/moved", PATH)
    assert downloader.obtain(file).read_bytes() == CONTENT


@pytest.mark.parametrize("target", ["http://elsewhere.org/x", "//elsewhere.org/x"])
def test_no_redirect_leaves_encryption(target):
    response = requests.Response()
    response.url, response.status_code = "https://example.org/x", 302
    response.headers["Location"] = target
    session = Session(backoff=0)
    if target.startswith("http:"):
        with pytest.raises(Unavailable, match="not encrypted"):
            session.get_redirect_target(response)
    else:  # keeps the scheme
        assert session.get_redirect_target(response) == target
