"""A source as a whole: its files, its archives, its languages."""

import re
from collections import namedtuple
from dataclasses import replace

import pytest
from archives import ARCHIVES, write_archive
from file_server import Served, serve

from fairseq_mlkd.prepare.downloads import SOURCE_NAMES, Downloader, fetch, fetching
from fairseq_mlkd.prepare.downloads.fetching import ORIGINS
from fairseq_mlkd.prepare.labelled import READERS
from fairseq_mlkd.prepare.origins import RemoteFile


@pytest.fixture
def downloader(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return Downloader(tmp_path / "downloads", backoff=0.001)


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Serve small archives in the place of the official ones."""
    files = {}
    for (name, file_name), members in ARCHIVES.items():
        archive = write_archive(tmp_path / file_name, members)
        files[f"/{name}/{file_name}"] = Served(archive.read_bytes())
        archive.unlink()
    with serve(files) as server:
        small = {
            name: replace(source, files=tuple(_local(f, server) for f in source.files))
            for name, source in ORIGINS.items()
        }
        monkeypatch.setattr(fetching, "ORIGINS", small)
        yield server


def _local(file, server):
    return RemoteFile(f"{server.url}/{file.path}", file.path)


def test_every_benchmark_can_be_fetched():
    assert set(SOURCE_NAMES) == {*READERS, "wikipedia", "billion_words"}


@pytest.mark.parametrize("name", sorted({name for name, _ in ARCHIVES}))
def test_what_was_fetched_is_what_the_benchmark_reads(downloader, server, name):
    fetched = fetch(name, downloader)
    read = READERS[name].find(fetched.benchmark)
    assert {"de", "hi"} <= {file.lang for file in read}
    assert fetched.missing == [] and len(fetched.paths) == len(ORIGINS[name].files)


def test_a_second_run_asks_for_nothing(downloader, server):
    first = fetch("xnli", downloader)
    server.log.clear()
    assert fetch("xnli", downloader) == first
    assert server.log == []


def test_languages_that_a_source_lacks_are_named(downloader, server):
    fetched = fetch("xnli", downloader, ["de", "ja", "it"])
    assert fetched.missing == ["ja", "it"]
    read = READERS["xnli"].find(fetched.benchmark)
    assert {file.lang for file in read if file.split == "train"} == {"de"}


def test_a_corpus_stays_packed(downloader, server):
    (file,) = ORIGINS["billion_words"].files
    server.files[f"/{file.path}"] = Served(b"\x1f\x8b packed")
    fetched = fetch("billion_words", downloader)
    assert fetched.corpus == {"en": str(fetched.paths[0])}
    assert [p.name for p in fetched.paths[0].parent.iterdir()] == [file.path[14:]]


def test_multiatis_says_how_to_get_it_until_it_is_there(downloader):
    with pytest.raises(ValueError, match="get LDC2021T04 at https://catalog.ldc"):
        fetch("multiatis", downloader)
    path = downloader.folder / "multiatis" / "data" / "train_EN.tsv"
    path.parent.mkdir(parents=True)
    path.write_text("id\tutterance\tslot_labels\tintent\n")
    fetched = fetch("multiatis", downloader)
    assert fetched.paths == [path]
    assert fetched.benchmark == downloader.folder / "multiatis"


def test_room_is_looked_for_before_anything_is_fetched(downloader, monkeypatch):
    usage = namedtuple("usage", "free")(10**9)
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(ValueError, match="1.8 GB are to come and 1.0 GB are free"):
        fetch("billion_words", downloader)


def test_bytes_that_are_there_need_no_room(downloader):
    (file,) = ORIGINS["pawsx"].files
    assert downloader.missing_bytes(file) == file.size
    partial = downloader.folder / f"{file.path}.partial"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(b"12345")
    assert downloader.missing_bytes(file) == file.size - 5
    partial.rename(downloader.folder / file.path)
    assert downloader.missing_bytes(file) == 0
    assert downloader.missing_bytes(ORIGINS["mtop"].files[0]) == 0  # not published


@pytest.mark.parametrize("name", ORIGINS)
def test_official_files_come_encrypted_and_with_whole_checksums(name):
    for file in ORIGINS[name].files:
        assert file.url.startswith("https://")
        assert file.path.startswith(f"{name}/")
        assert file.url.rsplit("/", 1)[1] == file.path.rsplit("/", 1)[1]
        if file.checksum is not None:
            assert re.fullmatch("[0-9a-f]{64}", file.checksum.digest)
            assert file.size is not None and file.checksum.origin
