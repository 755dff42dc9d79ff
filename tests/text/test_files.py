import bz2
import gzip
import lzma
import os

import pytest

from fairseq_mlkd.text.files import file_sha256, read_lines, replace_on_success

TEXT = "eins\r\nzw\u2028ei\n\ndrei"
LINES = ["eins", "zw\u2028ei", "", "drei"]


@pytest.mark.parametrize(
    "name, pack",
    [("a.txt", bytes), ("a.gz", gzip.compress), ("a.bz2", bz2.compress)]
    + [("a.xz", lzma.compress)],
)
def test_reads_packed_and_plain_lines_without_byte_order_mark(tmp_path, name, pack):
    path = tmp_path / name
    path.write_bytes(pack(("\ufeff" + TEXT).encode()))
    assert list(read_lines(str(path))) == LINES


def test_invalid_utf8_names_file_and_line(tmp_path):
    path = tmp_path / "latin1.txt"
    path.write_bytes(b"gut\nsch\xf6n\n")
    with pytest.raises(ValueError, match=r"latin1\.txt:2: not UTF-8 .*byte 4"):
        list(read_lines(str(path)))


@pytest.mark.parametrize(
    "name, pack", [("a.gz", gzip.compress), ("a.bz2", bz2.compress)]
)
def test_packed_file_cut_off_is_one_clear_error(tmp_path, name, pack):
    path = tmp_path / name
    path.write_bytes(pack(os.urandom(1000).hex().encode())[:-20])
    with pytest.raises(ValueError, match=f"{name}: cannot be read"):
        list(read_lines(str(path)))


def test_missing_file_is_one_clear_error(tmp_path):
    with pytest.raises(ValueError, match="none.txt: cannot be read"):
        list(read_lines(str(tmp_path / "none.txt")))


def test_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "a"
    path.write_text("old")
    with pytest.raises(RuntimeError), replace_on_success(str(path)) as partial:
        with open(partial, "w") as file:
            file.write("half")
        raise RuntimeError
    assert os.listdir(tmp_path) == ["a"] and path.read_text() == "old"


def test_file_sha256_of_known_bytes(tmp_path):
    (tmp_path / "f").write_bytes(b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert file_sha256(tmp_path / "f") == known
