"""What pages of the documents begin with: text, official files, a public encoder."""

import json
import lzma
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from archives import write_archive
from dumps import write_dump
from huggingface import save_encoder, write_sentencepiece
from scripts import EXAMPLES, ROOT

from fairseq_mlkd.cli import COMMANDS

FAIRSEQ = (
    "fairseq-train",
    "fairseq-hydra-train",
    "fairseq-validate",
    "fairseq-generate",
    "fairseq-preprocess",
)
WORLD = "--sentences 300 --train 60 --dev 12 --test 12 --utterances 40 10 10"


@contextmanager
def serve_commands(folder: Path) -> Iterator[None]:
    """Write every command that a page may name, and run what runs them in miniature."""
    folder.mkdir()
    path = folder / "socket"
    python = f"{sys.executable} {ROOT / 'tests' / 'miniature.py'} {path}"
    for name in (*FAIRSEQ, *COMMANDS, "python", "snakemake"):
        (folder / name).write_text(f'#!/bin/sh\nexec {python} {name} "$@"\n')
        (folder / name).chmod(0o755)
    with subprocess.Popen(python.split()) as server:
        try:
            while not path.exists():
                assert server.poll() is None, "tests/miniature.py did not start"
                time.sleep(0.1)
            yield
        finally:
            server.kill()


def write_inputs(folder: Path) -> None:
    """Write the folder that a page starts in: a checkout with files to work on."""
    folder.mkdir()
    for name in ("fairseq_mlkd", "preprocess", "examples"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    downloads = folder / "downloads"
    command = [sys.executable, EXAMPLES / "world", downloads, *WORLD.split()]
    subprocess.run(command, check=True, capture_output=True)
    (downloads / "text").rename(folder / "text")
    _write_swedish(folder)
    for lang in ("en", "fr", "de", "hi"):
        shutil.copy(folder / "text" / f"{lang}.txt", folder)
    text = (folder / "de.txt").read_bytes()
    (folder / "de.txt.xz").write_bytes(lzma.compress(text))
    _write_corpora(folder / "text", downloads)
    _write_encoder(downloads / "multilingual-e5-small", "BertModel")
    names = _write_bank(downloads / "multiatis", folder / "bank")
    kind = "BertForSequenceClassification"
    _write_encoder(folder / "production", kind, id2label=dict(enumerate(names)))


def _write_swedish(folder: Path) -> None:
    """Have the world's Portuguese stand for a language without rules of its own."""
    shutil.copy(folder / "text" / "pt.txt", folder / "text" / "sv.txt")
    wikiann = folder / "downloads" / "wikiann"
    for path in sorted((wikiann / "pt").iterdir()):
        (wikiann / "sv").mkdir(exist_ok=True)
        rows = path.read_text(encoding="utf-8").replace("pt:", "sv:")
        (wikiann / "sv" / path.name).write_text(rows, encoding="utf-8")


def _write_corpora(text: Path, downloads: Path) -> None:
    """Write dumps, and the Billion Words benchmark, of the world's sentences."""
    for path in sorted(text.iterdir()):
        lines = path.read_text(encoding="utf-8").splitlines()
        wiki = downloads / "wikipedia" / f"{path.stem}wiki-20261001"
        wiki.mkdir(parents=True)
        pages = [(f"Page {n}", [line]) for n, line in enumerate(lines)]
        write_dump(wiki / f"{path.stem}wiki-20261001-pages-articles.xml.bz2", pages)
    name = "1-billion-word-language-modeling-benchmark-r13output"
    member = f"{name}/training-monolingual.tokenized.shuffled/news.en-00001-of-00100"
    (downloads / "billion_words").mkdir()
    archive = downloads / "billion_words" / f"{name}.tar.gz"
    write_archive(archive, {member: (text / "en.txt").read_text()})


def _write_bank(world: Path, folder: Path) -> list[str]:
    """Write the world's intents as JSON lines, its slots as CoNLL; return the names."""
    for kind in ("intents", "entities"):
        (folder / kind).mkdir(parents=True)
    names: list[str] = []
    known: set[str] = set()
    for source, name in (
        ("train_EN", "train"),
        ("dev_EN", "dev"),
        ("test_DE", "test-de"),
    ):
        lines = (world / f"{source}.tsv").read_text(encoding="utf-8").splitlines()
        rows = [line.split("\t")[1:] for line in lines[1:]]
        names = names or sorted({intent for _, _, intent in rows})
        intents = [{"text": x, "intent": y} for x, _, y in rows if y in names]
        text = "".join(json.dumps(row) + "\n" for row in intents)
        (folder / "intents" / f"{name}.jsonl").write_text(text)
        slots = [(x.split(), tags.split()) for x, tags, _ in rows]
        known = known or {tag for _, tags in slots for tag in tags}
        tagged = (zip(*row) for row in slots if known.issuperset(row[1]))
        text = "\n".join("".join(f"{x}\t{y}\n" for x, y in row) for row in tagged)
        (folder / "entities" / f"{name}.conll").write_text(text, encoding="utf-8")
    return names


def _write_encoder(folder: Path, kind: str, **config: Any) -> None:
    """Write a random encoder of multilingual-e5-small's depth, heads and tokenizer."""
    shape = {"hidden_size": 48, "intermediate_size": 64, "num_hidden_layers": 12}
    shape |= {"num_attention_heads": 12, "max_position_embeddings": 512}
    count = write_sentencepiece(folder)
    save_encoder(folder, kind, count, **shape, **config)
