"""What ends every command: one line on bad input, a traceback on a fault of ours."""

import pytest

from fairseq_mlkd.cli.command import one_line_errors


class Lost(RuntimeError):
    """An error that a command names itself."""


def run(error: BaseException) -> None:
    @one_line_errors("mlkd-x", Lost, stopped="stopped; go on")
    def main() -> None:
        raise error

    main()


@pytest.mark.parametrize("kind", [ValueError, OSError, FileNotFoundError, Lost])
def test_bad_input_is_one_line(kind):
    with pytest.raises(SystemExit) as stop:
        run(kind("a.tsv:3: odd\n  row"))
    assert stop.value.code == "mlkd-x: error: a.tsv:3: odd row"


def test_a_missing_optional_library_is_named_with_its_extra():
    with pytest.raises(SystemExit, match=r"pip install 'fairseq_mlkd\[report\]'"):
        run(ImportError("no matplotlib", name="matplotlib.style"))
    with pytest.raises(ImportError):
        run(ImportError("cannot import name", name="fairseq_mlkd"))


def test_faults_of_ours_keep_their_traceback():
    with pytest.raises(KeyError):
        run(KeyError("x"))


def test_an_interrupted_command_says_what_to_do(capsys):
    with pytest.raises(SystemExit) as stop:
        run(KeyboardInterrupt())
    assert stop.value.code == 130
    assert capsys.readouterr().err == "mlkd-x: stopped; go on\n"
