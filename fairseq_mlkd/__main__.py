"""List the commands, or run one: `python -m fairseq_mlkd [NAME ...]`, or `mlkd`."""

import ast
import sys
from importlib import import_module
from pathlib import Path

from fairseq_mlkd import __version__, cli


def list_commands() -> str:
    """Return a line for each command: its name, and the first line of its module."""
    lines = [f"fairseq_mlkd {__version__}; mlkd-NAME --help, or mlkd NAME --help:"]
    for name, module in cli.COMMANDS.items():
        source = Path(cli.__file__).with_name(f"{module}.py").read_text("utf-8")
        first = (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]
        lines.append(f"  {name:<15} {first}")
    lines.append(
        'fairseq-train, -validate, -generate and -interactive: --user-dir "$(mlkd '
        '--user-dir)";\ntheir --help shows the options of the --task, --criterion, ... '
        "that stand beside it"
    )
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    """Run the command that is named first; without one, list them."""
    name, *words = (sys.argv[1:] if argv is None else argv) or ["--help"]
    if name in ("-h", "--help"):
        print(list_commands())
    elif name == "--user-dir":
        print(Path(__file__).parent)
    elif name == "--version":
        print(__version__)
    else:
        _run(name, words)


def _run(name: str, words: list[str]) -> None:
    module = cli.COMMANDS.get(f"mlkd-{name.removeprefix('mlkd-')}")
    if module is None:
        sys.exit(f"mlkd: error: no command {name!r}; mlkd lists them")
    import_module(f"{cli.__name__}.{module}").main(words)


if __name__ == "__main__":
    main()
