import pytest

from fairseq_mlkd.files.json_objects import read_json, write_json


def test_what_was_written_is_read(tmp_path):
    value = {"a": [1, "é"], "b": None}
    write_json(value, tmp_path / "a.json")
    assert read_json(tmp_path / "a.json", "") == value
    assert "é" in (tmp_path / "a.json").read_text(encoding="utf-8")


def test_a_whole_character_may_be_escaped(tmp_path):
    (tmp_path / "a.json").write_bytes(rb'{"a": "\ud83d\ude00 \\udc00"}')
    assert read_json(tmp_path / "a.json", "") == {"a": "\U0001f600 \\udc00"}


@pytest.mark.parametrize(
    "content, problem",
    [
        (b"", "not JSON"),
        (b'{"a": 1', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[1]", "holds no JSON object"),
        (b'"a"', "holds no JSON object"),
        (b'{"a": ["\\uD83D"]}', r"'\ud83d' is half a character"),
        (b'{"\\udc00": 1}', r"'\udc00' is half a character"),
        (b"\xff", "cannot be read"),
        (None, "cannot be read (No such file"),
    ],
)
def test_one_line_names_file_and_remedy(tmp_path, content, problem):
    path = tmp_path / "a.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError) as caught:
        read_json(path, "fetch it again")
    message = str(caught.value)
    assert message.startswith(f"{path}: {problem}") and "\n" not in message
    assert message.endswith("; fetch it again")
