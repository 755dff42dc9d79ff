"""A command of the documents in miniature: other sizes, and then it really runs.

    python tests/miniature.py NAME ARGUMENTS...

A flag of `SMALLER` gets that value where it is given; what is in `ALWAYS` is added. So
a line fails here as it would fail for a reader, but sooner.
"""

import os
import shlex
import sys
from pathlib import Path

from fairseq_mlkd.cli import COMMANDS

SMALLER = {
    "--batch-size": "8",
    "--codes": "300",
    "--encoder-embed-dim": "48",
    "--encoder-ffn-embed-dim": "64",
    "--last": "2",
    "--save-interval-updates": "1",
    "--sentences": "400",
    "--shards": "2",
    "--total-num-update": "3",
    "--warmup-updates": "1",
}
ALWAYS = {
    "fairseq-train": "--max-update 3",
    "fairseq-hydra-train": "optimization.max_update=3 lr_scheduler.warmup_updates=1"
    " dataset.batch_size=8",
    "mlkd-corpus": "--valid 20 --workers 1",
    # that of an untrained model, on a dozen rows; tests/cli has what is refused
    "mlkd-export": "--tolerance 100",
    "mlkd-latency": "--seconds 0.05",
    "imported.py": "--scale 0.002",
}
# Architectures whose width is of the paper: depth and heads stay.
WIDE = ("mbert", "mbert8", "mbert8_large", "lean_bert")
NARROW = "--encoder-embed-dim 48 --encoder-ffn-embed-dim 64"


def shrink(name: str, arguments: list[str]) -> list[str]:
    """Return the arguments with smaller sizes."""
    always = shlex.split(ALWAYS.get(name, ""))
    if name == "fairseq-train" and set(arguments).intersection(WIDE):
        always += shlex.split(NARROW)
    given = [
        SMALLER.get(before, argument)
        for before, argument in zip(["", *arguments], arguments)
    ]
    return [*given, *always]


def main() -> None:
    name, *arguments = sys.argv[1:]
    if name == "python":
        script = Path(arguments[0]).name
        command = [arguments[0], *shrink(script, arguments[1:])]
    elif name in COMMANDS:
        call = f"from fairseq_mlkd.cli.{COMMANDS[name]} import main; main()"
        command = ["-c", call, *shrink(name, arguments)]
    else:
        command = [str(Path(sys.executable).with_name(name)), *shrink(name, arguments)]
    os.execv(sys.executable, [sys.executable, *command])


if __name__ == "__main__":
    main()
