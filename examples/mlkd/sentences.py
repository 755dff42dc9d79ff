"""What several models say about the first test sentence of each benchmark.

    python examples/mlkd/sentences.py DATA MODEL=PATH... [--lang es]

DATA holds a folder of official files for each benchmark; PATH is a fine-tuned
checkpoint, in which {benchmark} stands for the name of that folder. Each checkpoint is
exported as `mlkd-export` does and asked through `Predictor`, as in production.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fairseq_mlkd.cli import export
from fairseq_mlkd.cli.command import make_parser, one_line_errors
from fairseq_mlkd.prepare.labelled import READERS
from fairseq_mlkd.prepare.labelled.rows import Dropped, Row, SentencePair
from fairseq_mlkd.serve.predictor import Predictor
from fairseq_mlkd.text.pointers import from_pointers


def get_parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = make_parser("sentences.py", __doc__)
    parser.add_argument("data", metavar="DATA", type=Path)
    parser.add_argument("models", metavar="MODEL=PATH", nargs="+", type=_named)
    parser.add_argument("--lang", default="es", help="default: es")
    return parser


def _named(argument: str) -> tuple[str, str]:
    name, equals, path = argument.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{argument}: MODEL=PATH is needed")
    return name, path


def first_row(benchmark: str, folder: Path, lang: str) -> Row:
    """Return the first test row of a language that is not dropped."""
    reader = READERS[benchmark]
    path = next((f.path for f in reader.find(folder) if f[1:] == ("test", lang)), None)
    if path is None:
        raise ValueError(f"{folder}: no test file of {lang}; choose another --lang")
    rows: Iterator[Row | Dropped] = reader.read(path, lang, split="test")
    return next(row for row in rows if not isinstance(row, Dropped))


def ask(checkpoint: Path, request: Mapping[str, Any], lang: str) -> Mapping[str, Any]:
    """Export a checkpoint to a folder that is thrown away, and return its answer."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "model"
        export.export(export.get_parser().parse_args([str(checkpoint), str(out)]))
        answer: Mapping[str, Any] = Predictor(out)(dict(request), lang)
    return answer


def request_of(row: Row) -> dict[str, Any]:
    """Return what a model is asked about a row."""
    if isinstance(row, SentencePair):
        return {"text": row.sentence1, "text_pair": row.sentence2}
    return {"words": row.words}


def true_answer(row: Row) -> dict[str, Any]:
    """Return what `Predictor` should answer about a row."""
    if isinstance(row, SentencePair):
        return {"label": row.label}
    if row.parse:
        return {"parse": " ".join(from_pointers(row.parse, row.words))}
    return {"words": row.words, "tags": row.tags, "intent": row.intent}


def describe(answer: Mapping[str, Any]) -> str:
    """Return an answer in one line; only tagged words are named."""
    if "tags" not in answer:
        return str(answer.get("label") or answer["parse"])
    tagged = [f"{word}/{tag}" for word, tag in zip(answer["words"], answer["tags"])]
    intent = [f"[{answer['intent']}]"] if answer.get("intent") else []
    return " ".join(intent + [x for x in tagged if not x.endswith("/O")])


@one_line_errors("sentences.py")
def main(argv: list[str] | None = None) -> None:
    """Run the command."""
    args = get_parser().parse_args(argv)
    models = dict(args.models)
    width = max(map(len, ["right answer", *models]))
    for benchmark in READERS:
        folder = args.data / benchmark
        if not folder.is_dir():
            continue
        row = first_row(benchmark, folder, args.lang)
        request = request_of(row)
        text = " / ".join(request.values()) if "text" in request else row.key
        print(f"\n{benchmark}, {args.lang}: {text}")
        print(f"  {'right answer':<{width}}  {describe(true_answer(row))}")
        for name, path in models.items():
            checkpoint = Path(path.replace("{benchmark}", benchmark))
            answer = ask(checkpoint, request, args.lang)
            print(f"  {name:<{width}}  {describe(answer)}")


if __name__ == "__main__":
    main()
