"""What ends every command: one line on bad input, a traceback on a fault of ours."""

import subprocess
import sys
from importlib import import_module
from pkgutil import iter_modules

import pytest

from fairseq_mlkd import cli
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


def test_help_waits_for_neither_torch_nor_fairseq():
    names = [f"{cli.__name__}.{found.name}" for found in iter_modules(cli.__path__)]
    commands = [x for x in names if hasattr(import_module(x), "get_parser")]
    assert len(commands) == 7
    code = "import sys\n" + "".join(
        f"import {name}\n{name}.get_parser().format_help()\n" for name in commands
    )
    code += "print(sorted({'torch', 'fairseq', 'matplotlib'} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.stdout == "[]\n", ran.stderr
