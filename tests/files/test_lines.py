import pytest

from fairseq_mlkd.files.lines import read_lines

TEXT = "eins\r\nzw\u2028ei\n\ndrei"
LINES = ["eins", "zw\u2028ei", "", "drei"]


def test_reads_lines_without_byte_order_mark(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(("\ufeff" + TEXT).encode())
    assert list(read_lines(str(path))) == LINES


def test_invalid_utf8_names_file_and_line(tmp_path):
    path = tmp_path / "latin1.txt"
    path.write_bytes(b"gut\nsch\xf6n\n")
    with pytest.raises(ValueError, match=r"latin1\.txt:2: not UTF-8 .*byte 4"):
        list(read_lines(str(path)))


@pytest.mark.parametrize("size", [1 << 20, (1 << 20) + 1, 10_000_000])
def test_line_of_more_than_a_mebibyte_is_refused(tmp_path, size):
    path = tmp_path / "long.txt"
    path.write_bytes(b"kurz\n" + b"x" * (size - 1) + b"\n")
    lines = read_lines(str(path))
    assert next(lines) == "kurz"
    if size > 1 << 20:
        with pytest.raises(ValueError, match=r"long\.txt:2: longer than 1048576 "):
            next(lines)
    else:
        assert next(lines) == "x" * (size - 1)


def test_block_of_zeros_is_refused_and_a_single_nul_is_text(tmp_path):
    path = tmp_path / "zeros.txt"
    path.write_bytes(b"a\0b\ngut\n" + bytes(4096) + b"\ngut\n")
    lines = read_lines(str(path))
    assert [next(lines), next(lines)] == ["a\0b", "gut"]
    with pytest.raises(ValueError, match=r"zeros\.txt:3: holds a block of zeros"):
        next(lines)


def test_missing_file_is_one_clear_error(tmp_path):
    with pytest.raises(ValueError, match="none.txt: cannot be read"):
        list(read_lines(str(tmp_path / "none.txt")))
