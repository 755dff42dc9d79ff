"""Which dump of Wikipedia is fetched, and which of its files."""

import json

import pytest
from wikimedia import serve_dumps

from fairseq_mlkd.prepare.downloads import Downloader, fetch

PARTS = [b"BZh one", b"BZh two", b"BZh three"]


@pytest.fixture
def server():
    dumps = {
        "20260901": ([b"BZh old"], "done"),
        "20261001": (PARTS, "done"),
        "20261101": ([b"BZh new"], "in-progress"),
    }
    small = {"20261001": ([b"BZh small"], "done")}
    with serve_dumps({"enwiki": dumps, "zh_yuewiki": small}) as server:
        yield server


@pytest.fixture
def downloader(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return Downloader(tmp_path, backoff=0.001)


def wikipedia(downloader, server, *langs, date=None):
    return fetch("wikipedia", downloader, langs, date, server.url)


def test_the_newest_complete_dump_comes_in_its_parts(downloader, server, tmp_path):
    fetched = wikipedia(downloader, server, "en")
    assert [path.read_bytes() for path in fetched.paths] == PARTS
    folder = tmp_path / "wikipedia" / "enwiki-20261001"
    assert fetched.corpus == {"en": str(folder / "*.bz2")}
    assert sorted(folder.glob("*.bz2")) == fetched.paths
    others = {path.name for path in folder.iterdir()} - {p.name for p in fetched.paths}
    assert others == {"dumpstatus.json"}


def test_codes_with_a_hyphen_have_a_wiki_with_an_underscore(downloader, server):
    fetched = wikipedia(downloader, server, "zh-yue")
    assert [path.read_bytes() for path in fetched.paths] == [b"BZh small"]


def test_a_date_names_the_dump(downloader, server):
    (path,) = wikipedia(downloader, server, "en", date="20260901").paths
    assert path.read_bytes() == b"BZh old"


def test_a_dump_that_was_begun_is_finished_though_a_newer_one_is_there(
    downloader, server
):
    wikipedia(downloader, server, "en", date="20260901")
    (path,) = wikipedia(downloader, server, "en").paths
    assert path.read_bytes() == b"BZh old"


def test_a_complete_dump_needs_no_network(downloader, server):
    fetched = wikipedia(downloader, server, "en", "zh-yue")
    server.log.clear()
    assert wikipedia(downloader, server, "en", "zh-yue") == fetched
    assert server.log == []


def test_files_put_there_by_hand_are_checked_by_the_record(
    downloader, server, tmp_path
):
    (path,) = wikipedia(downloader, server, "zh-yue").paths
    path.write_bytes(b"BZh smell")
    with pytest.raises(ValueError, match=r"its sha1 is \w+, not \w+ \(dumpstatus.json"):
        wikipedia(downloader, server, "zh-yue")


@pytest.mark.parametrize(
    "lang, date, complaint",
    [
        ("xx", None, "/xxwiki/: there is no such wiki"),
        ("en", "20261101", "no complete dump of 20261101 there; try --date"),
        ("en", "20200101", "no complete dump of 20200101 there; try --date"),
    ],
)
def test_no_such_dump_is_one_line(downloader, server, tmp_path, lang, date, complaint):
    with pytest.raises(ValueError, match=complaint):
        wikipedia(downloader, server, lang, date=date)
    assert list(tmp_path.iterdir()) == []


def test_without_network_the_line_says_what_to_fetch_and_where_to(downloader, tmp_path):
    with serve_dumps({}) as server:
        pass
    with pytest.raises(ValueError) as error:
        wikipedia(downloader, server, "en")
    line = str(error.value)
    assert f"{server.url}/enwiki/: no connection to 127.0.0.1" in line
    assert "dumpstatus.json" in line and f"{tmp_path}/wikipedia/enwiki-DATE" in line


@pytest.mark.parametrize(
    "text, complaint",
    [
        ("<html>", "not JSON"),
        ("[]", "holds no JSON object"),
        ('{"jobs": {"articlesmultistreamdump": {"status": "done"}}}', "damaged"),
        (
            json.dumps(
                {
                    "jobs": {
                        "articlesmultistreamdump": {
                            "status": "done",
                            "files": {"../../evil": {"sha1": "0", "size": 1}},
                        }
                    }
                }
            ),
            "no articles among the files",
        ),
    ],
)
def test_a_damaged_record_is_one_line(downloader, server, text, complaint):
    served = server.files["/enwiki/20261001/dumpstatus.json"]
    served.content = text.encode()
    with pytest.raises(ValueError, match=complaint):
        wikipedia(downloader, server, "en", date="20261001")


def test_a_kept_record_that_is_no_text_is_named(downloader, server, tmp_path):
    path = tmp_path / "wikipedia" / "enwiki-20261001" / "dumpstatus.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match=f"^{path}: .*; remove it or try another"):
        wikipedia(downloader, server, "en", date="20261001")


def test_languages_must_be_named(downloader, server):
    with pytest.raises(ValueError, match="name its languages, as in --langs en,fr"):
        wikipedia(downloader, server)
