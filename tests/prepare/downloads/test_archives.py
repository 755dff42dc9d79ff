"""Unpacking: what a benchmark reads, where it reads it, and nothing else."""

import gzip
import re
import stat
import tarfile
import zipfile

import pytest
from archives import ARCHIVES, write_archive

from fairseq_mlkd.prepare.downloads.archives import unpack
from fairseq_mlkd.prepare.downloads.fetching import ORIGINS
from fairseq_mlkd.prepare.labelled import READERS


def files_in(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("name, file_name", ARCHIVES)
def test_the_benchmark_finds_what_was_unpacked(tmp_path, name, file_name):
    archive = write_archive(tmp_path / file_name, ARCHIVES[name, file_name])
    folder = tmp_path / "out"
    found = unpack(archive, folder, ORIGINS[name].members, [])
    read = {file.path for file in READERS[name].find(folder)}
    assert read == {folder / file for file in files_in(folder)} != set()
    assert found == (set() if file_name == "XNLI-1.0.zip" else {"de", "hi"})


@pytest.mark.parametrize("name, file_name", ARCHIVES)
def test_only_the_languages_asked_for_are_unpacked(tmp_path, name, file_name):
    archive = write_archive(tmp_path / file_name, ARCHIVES[name, file_name])
    for langs in (["hi"], ["hi", "ja"]):
        assert unpack(archive, tmp_path / "out", ORIGINS[name].members, langs) <= {"hi"}
    unpacked = files_in(tmp_path / "out")
    assert unpacked and not re.search(r"\bde\b", " ".join(unpacked))


def test_a_name_that_would_fill_the_memory_is_refused(tmp_path):
    long = tarfile.TarInfo("././@LongLink")
    long.type, long.size = tarfile.GNUTYPE_LONGNAME, 1 << 32
    with gzip.open(tmp_path / "a.tar.gz", "wb") as file:
        file.write(long.tobuf())
    with pytest.raises(ValueError, match="damaged .a name of 4,294,967,296 bytes"):
        unpack(tmp_path / "a.tar.gz", tmp_path / "out", {".*": "x"}, [])


def test_what_is_there_stays_and_what_was_cut_is_completed(tmp_path):
    members = {"mtop/de/train.txt": "12345", "mtop/de/test.txt": "12345"}
    archive = write_archive(tmp_path / "mtop.zip", members)
    train, test = (tmp_path / name for name in members)
    train.parent.mkdir(parents=True)
    train.write_text("abcde")
    test.write_text("12")
    unpack(archive, tmp_path, ORIGINS["mtop"].members, [])
    assert (train.read_text(), test.read_text()) == ("abcde", "12345")


@pytest.mark.parametrize("file_name", ["a.zip", "a.tar.gz"])
@pytest.mark.parametrize("name", ["../../evil", "/tmp/evil", "mtop/de/../../../evil"])
def test_paths_that_lead_out_are_refused(tmp_path, file_name, name):
    archive = write_archive(tmp_path / file_name, {name: "?"})
    with pytest.raises(ValueError, match=r"evil' points out of the archive"):
        unpack(archive, tmp_path / "out", {".*": "{name}"}, [])
    assert files_in(tmp_path) == {file_name}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_in_a_tar_are_refused(tmp_path, kind):
    archive = tmp_path / "a.tar.gz"
    info = tarfile.TarInfo("mtop/de/train.txt")
    info.type, info.linkname = kind, "/etc/passwd"
    with tarfile.open(archive, "w:gz") as tar:
        tar.addfile(info)
    with pytest.raises(ValueError, match="train.txt' is a link, not a file"):
        unpack(archive, tmp_path, ORIGINS["mtop"].members, [])


def test_links_in_a_zip_are_refused(tmp_path):
    info = zipfile.ZipInfo("mtop/de/train.txt")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(ValueError, match="train.txt' is a link, not a file"):
        unpack(tmp_path / "a.zip", tmp_path, ORIGINS["mtop"].members, [])


@pytest.mark.parametrize("name, file_name", ARCHIVES)
def test_a_damaged_archive_is_one_line_and_leaves_no_half_file(
    tmp_path, name, file_name
):
    members = dict(ARCHIVES[name, file_name])
    archive = write_archive(tmp_path / file_name, members)
    whole = archive.read_bytes()
    archive.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=rf"{file_name}: damaged \(.+\); remove it"):
        unpack(archive, tmp_path / "out", ORIGINS[name].members, [])
    assert not list(tmp_path.rglob("*.partial"))


def test_a_changed_byte_is_noticed(tmp_path):
    archive = write_archive(tmp_path / "a.zip", {"mtop/de/train.txt": "unpacked text"})
    content = archive.read_bytes().replace(b"unpacked text", b"unpacked-text")
    archive.write_bytes(content)
    with pytest.raises(ValueError, match="damaged"):
        unpack(archive, tmp_path, ORIGINS["mtop"].members, [])
    assert files_in(tmp_path) == {"a.zip"}
