"""The commands of README and docs: found, recorded as bash reads them, or really run.

A page is one bash script: its `bash` blocks in order, `python` blocks as programs
between them, `diff` blocks applied. What else there is to say is in a comment above:

    <!-- not run: WHY -->       its commands are parsed and no more
    <!-- file: PATH -->         the block is that file
    <!-- output -->             its lines, with any numbers, were printed above
    <!-- after: PAGE -->        anywhere: the page goes on from that page's folder
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from scripts import ROOT

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"(?:^<!-- ([^\n]+) -->\n)?^```(\w*)\n(.*?)^```$", re.M | re.S)
_COMMAND = re.compile(
    r"(?:mlkd|fairseq)-[a-z-]+|python3?|make|pip|pre-commit|srun|torchrun|salloc|curl|sleep"
    r"|snakemake"
)
_RECORDER = r"""#!/bin/sh
{ printf '%s\0' "${0##*/}" "$@"; echo; } >> "$RECORD"
"""


class Block(NamedTuple):
    """A fenced block of a page, and what the comment above it says."""

    kind: str
    text: str
    note: str
    value: str

    def script(self) -> str:
        """Return bash that does what the block says; nothing for what is only shown."""
        if self.note == "not run":
            return ""
        if self.note == "file":
            folder = Path(self.value).parent
            return self._pass_to(f"mkdir -p {folder}; cat > {self.value}")
        return {
            "bash": self.text,
            "python": self._pass_to("python -"),
            "diff": self._pass_to("git apply --recount -"),
        }.get(self.kind, "")

    def _pass_to(self, command: str) -> str:
        return f"{command} << 'END_OF_BLOCK'\n{self.text}END_OF_BLOCK\n"


def find_blocks(text: str) -> list[Block]:
    """Return the fenced blocks of a page, in order."""
    found = []
    for comment, kind, content in _BLOCK.findall(text):
        note, _, value = comment.partition(":")
        found.append(Block(kind, content, note, value.strip()))
    return found


def find_parent(text: str) -> str | None:
    """Return the name of the page that a page goes on from."""
    found = re.search(r"^<!-- after: (\S+) -->$", text, re.M)
    return found and found[1]


def record_commands(text: str, folder: Path) -> list[list[str]]:
    """Return the commands of a page's shell blocks, as bash expands their words.

    Variables, loops, quotes and here-documents are bash's; no command is started. Those
    with `...` are left out.
    """
    script = "\n".join(b.text for b in find_blocks(text) if b.kind == "bash")
    # one after the other, or their records mix
    script = re.sub(" &$", "", script, flags=re.MULTILINE)
    for name in set(_COMMAND.findall(script)):
        (folder / name).write_text(_RECORDER)
        (folder / name).chmod(0o755)
    record = folder / "record"
    record.touch()
    env = {"PATH": f"{folder}:/usr/bin:/bin", "RECORD": str(record)}
    _run_bash(script, folder, env)
    rows = (line.split("\0")[:-1] for line in record.read_text().split("\n"))
    return [row for row in rows if row and "..." not in row]


class Run(NamedTuple):
    """What became of a page: its folder, and all that it printed."""

    folder: Path
    status: int
    output: str


def run_page(text: str, folder: Path, commands: Path) -> Run:
    """Run a page in a folder, whose `fairseq_mlkd` is imported.

    Args:
        text: the page.
        folder: where it runs.
        commands: folder of the commands to find first.
    """
    lines = ["set -euo pipefail", "trap 'kill $(jobs -p) 2> /dev/null || :' EXIT"]
    for number, block in enumerate(find_blocks(text), start=1):
        lines += [f"echo '=== block {number}'", block.script()]
    env = {
        **os.environ,
        "PATH": f"{commands}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(folder),
        "HF_HUB_OFFLINE": "1",
    }
    done = _run_bash("\n".join(lines), folder, env)
    return Run(folder, done.returncode, done.stdout)


def _run_bash(
    script: str, folder: Path, env: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", script],
        env=env,
        cwd=folder,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=1500,
    )


def missing_lines(text: str, output: str) -> list[str]:
    """Return the shown lines of output that a page did not print, numbers apart."""
    shown = [b.text for b in find_blocks(text) if b.note == "output"]
    lines = [line.strip() for block in shown for line in block.splitlines()]
    return [x for x in lines if not re.search(_with_any_numbers(x), output)]


def _with_any_numbers(line: str) -> str:
    return r"-?\d+(\.\d+)?".join(map(re.escape, re.split(r"-?\d+(?:\.\d+)?", line)))
