"""The commands of the documents: each parses, and needs no processor but a CPU."""

import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest
from fairseq import options
from scripts import ROOT

from fairseq_mlkd import cli

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FAIRSEQ = {
    "fairseq-train": options.get_training_parser,
    "fairseq-validate": options.get_validation_parser,
    "fairseq-generate": options.get_generation_parser,
}
OURS = {
    name: import_module(f"{cli.__name__}.{module}").get_parser
    for name, module in cli.COMMANDS.items()
}
OURS |= {f"preprocess/{x}.py": OURS[f"mlkd-{x}"] for x in ("benchmark", "download")}


def find_commands(text: str) -> list[list[str]]:
    """Return the commands of shell blocks, as words; those with `...` are left out."""
    found = []
    for block in re.findall(r"```bash\n(.*?)```", text, re.S):
        block = re.sub(r"\\\n", " ", block)
        for name, value in re.findall(r'^(\w+)="([^"]*)"', block, re.M):
            block = block.replace(f'{name}="{value}"', "")
            block = block.replace(f"${name}", " ".join(value.split()))
        for line in block.splitlines():
            words = shlex.split(line.partition(" > ")[0], comments=True)
            if words and words[0] == "python":
                words = words[1:]
            if words and "..." not in words:
                found.append(words)
    return found


def cases(names: dict) -> list:
    return [
        pytest.param(path, words, id=f"{path.stem}-{words[0]}-{number}")
        for path in DOCUMENTS
        for number, words in enumerate(find_commands(path.read_text(encoding="utf-8")))
        if words[0] in names
    ]


@pytest.mark.parametrize("path, words", cases(FAIRSEQ))
def test_commands_of_fairseq_parse_and_say_how_large_a_batch_is(
    path: Path, words: list[str], monkeypatch
):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("sys.argv", words)  # fairseq looks there for --user-dir
    args = options.parse_args_and_arch(FAIRSEQ[words[0]](), words[1:])
    assert args.batch_size or args.max_tokens or words[0] == "fairseq-generate"
    assert not (args.fp16 or args.bf16)


@pytest.mark.parametrize("path, words", cases(OURS))
def test_commands_of_ours_parse(path: Path, words: list[str]):
    OURS[words[0]]().parse_args(words[1:])


def test_commands_are_found():
    text = '```bash\ntune="--a 1\n    --b"\nx $tune \\\n    c > d\npython y ...\n```\n'
    assert find_commands(text) == [["x", "--a", "1", "--b", "c"]]
    assert len(cases(FAIRSEQ)) >= 8 and len(cases(OURS)) >= 6
