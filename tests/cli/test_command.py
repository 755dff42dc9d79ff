"""What ends every command: one line on bad input, a traceback on a fault of ours."""

import re
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import fairseq_mlkd
from fairseq_mlkd.__main__ import list_commands, main
from fairseq_mlkd.cli import COMMANDS
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
    code = "import sys\nfrom fairseq_mlkd.__main__ import list_commands\n"
    for name in COMMANDS.values():
        code += f"import fairseq_mlkd.cli.{name} as command\n"
        code += "command.get_parser().format_help()\n"
    code += "list_commands()\n"
    slow = {"torch", "fairseq", "matplotlib", "sklearn", "onnxruntime", "transformers"}
    code += f"print(sorted({slow} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ran.stdout, ran.stderr) == ("[]\n", "")


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_defaults_and_an_example_that_parses(name):
    parser = import_module(f"fairseq_mlkd.cli.{COMMANDS[name]}").get_parser()
    text = parser.format_help().replace("\\\n", "")
    examples = re.findall(rf"^    {name} (.*)$", text, re.M)
    assert parser.prog == name and examples and "default" in text
    for example in examples:
        parser.parse_args(shlex.split(example))


def test_mlkd_lists_the_commands_and_runs_them(capsys):
    listed = list_commands()
    assert re.findall(r"^  (mlkd-\w+) +[A-Z].*\.$", listed, re.M) == list(COMMANDS)
    main([])
    assert capsys.readouterr().out == f"{listed}\n"
    main(["--user-dir"])
    assert capsys.readouterr().out == f"{Path(fairseq_mlkd.__file__).parent}\n"
    for given in ("score", "mlkd-score"):
        with pytest.raises(SystemExit) as stop:
            main([given, "--help"])
        assert stop.value.code == 0 and "GOLD" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="no command 'scores'; mlkd lists them"):
        main(["scores"])
