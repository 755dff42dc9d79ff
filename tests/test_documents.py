"""README and docs: every command parses, every block runs in miniature (slow)."""

import re
import shutil
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from documents import (
    DOCUMENTS,
    Run,
    find_blocks,
    find_parent,
    missing_lines,
    record_commands,
    run_page,
)
from fairseq import options
from scripts import ROOT

from fairseq_mlkd import cli

FAIRSEQ = {
    "fairseq-train": options.get_training_parser,
    "fairseq-validate": options.get_validation_parser,
    "fairseq-generate": options.get_generation_parser,
}
OURS = {
    name: import_module(f"{cli.__name__}.{module}").get_parser
    for name, module in cli.COMMANDS.items()
}
PAGES = {path.name: path.read_text(encoding="utf-8") for path in DOCUMENTS}
# A page that changes the code has flags that only its own run knows.
PARSED = [n for n, text in PAGES.items() if "```bash" in text and "```diff" not in text]
RUN = [n for n, text in PAGES.items() if any(b.script() for b in find_blocks(text))]
# Blocks that are not run: this many, each with its reason beside it.
NOT_RUN = 15
# What no miniature can have: the hub, and four seeds where two show the same.
REPLACED = {
    "intfloat/multilingual-e5-small": "downloads/multilingual-e5-small",
    "seed in 1 2 3 4;": "seed in 1 2;",
}


@pytest.mark.parametrize("name", PARSED)
def test_commands_parse_and_say_how_large_a_batch_is(name, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    commands = record_commands(PAGES[name], tmp_path)
    assert commands
    for command, *words in commands:
        if command in OURS:
            OURS[command]().parse_args(words)
        elif command in FAIRSEQ:
            monkeypatch.setattr("sys.argv", [command, *words])  # for --user-dir
            args = options.parse_args_and_arch(FAIRSEQ[command](), words)
            assert args.batch_size or args.max_tokens or command == "fairseq-generate"
            assert not (args.fp16 or args.bf16)
        elif command == "snakemake":
            named = [word for word in words if word.startswith("examples/")]
            assert named and all((ROOT / word).exists() for word in named)
        elif command == "python" and words[0].endswith(".py"):
            assert (ROOT / words[0]).is_file()


def test_few_blocks_are_not_run_and_each_says_why():
    left_out = [
        b for t in PAGES.values() for b in find_blocks(t) if b.note == "not run"
    ]
    assert all(len(block.value.split()) > 1 for block in left_out)
    assert len(left_out) <= NOT_RUN


def test_readme_is_short():
    assert len(PAGES["README.md"].split()) <= 1500


@pytest.mark.parametrize(
    "path",
    [*DOCUMENTS, *(ROOT / f"{name}.md" for name in ("CONTRIBUTING", "SECURITY"))],
    ids=lambda path: path.name,
)
def test_files_that_a_page_links_to_are_there(path):
    links = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", path.read_text("utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.fixture(scope="module")
def finish_page(tmp_path_factory):
    """Yield a function that runs a page once, after those that it goes on from."""
    from miniature_inputs import serve_commands, write_inputs

    top = tmp_path_factory.mktemp("documents")
    write_inputs(top / "inputs")

    @cache
    def finish(name: str) -> Run:
        text = PAGES[name]
        parent = find_parent(text)
        before = finish(parent).folder if parent else top / "inputs"
        folder = top / Path(name).stem
        shutil.copytree(before, folder, symlinks=True)
        for written, said in REPLACED.items():
            text = text.replace(written, said)
        done = run_page(text, folder, top / "commands")
        lines = [line[-300:] for line in done.output.splitlines()[-20:]]
        assert done.status == 0, "\n".join([name, *lines])
        return done

    with serve_commands(top / "commands"):
        yield finish


@pytest.mark.slow
@pytest.mark.parametrize("name", RUN)
def test_a_page_runs_and_prints_what_it_shows(name, finish_page):
    assert missing_lines(PAGES[name], finish_page(name).output) == []


def test_commands_are_found_as_bash_reads_them(tmp_path):
    text = (
        '```bash\ntune="--a 1\n    --b"\nfor x in 1 2; do mlkd-score $tune "$x y" \\\n'
        "    > d; done\nfairseq-train DATA ...\n```\n"
    )
    assert record_commands(text, tmp_path) == [
        ["mlkd-score", "--a", "1", "--b", f"{x} y"] for x in "12"
    ]


def test_a_block_that_fails_fails_its_page_and_output_is_compared(tmp_path):
    page = "```bash\necho loss 0.5 of a\n{}\n```\n"
    page += "<!-- output -->\n```\nloss 12 of {}\n```\n"
    run = run_page(page.format("false", "a"), tmp_path, tmp_path)
    assert run.status == 1 and "loss 0.5" in run.output
    run = run_page(page.format("true", "a"), tmp_path, tmp_path)
    assert run.status == 0 and missing_lines(page.format("", "a"), run.output) == []
    assert missing_lines(page.format("", "b"), run.output) == ["loss 12 of b"]
