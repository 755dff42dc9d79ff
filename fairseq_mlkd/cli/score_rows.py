"""Rows of a benchmark file beside the predictions for them."""

from argparse import Namespace
from pathlib import Path

from fairseq_mlkd.cli.labelled import find_reader
from fairseq_mlkd.prepare.labelled.rows import (
    Dropped,
    Row,
    SentencePair,
    read_rows,
    row_error,
)
from fairseq_mlkd.text.parse_tree import INTENT, split_symbols

AnyRow = Row | Dropped
ADVICE = "give the same rows in the same order"


def read_pairs(args: Namespace) -> tuple[list[tuple[Row, Row]], int]:
    """Return rows with their true and with their predicted labels.

    Args:
        args: of `mlkd-score`.
    Returns:
        The pairs, at least one, and the number of rows that are not scored.
    Raises:
        ValueError: the two files have not the same rows.
    """
    gold = _read(args, args.gold, predicted=False)
    pairs: list[tuple[Row, Row]] = []
    for true, row in zip(gold, _read_hypotheses(args, gold)):
        if isinstance(true, Dropped):
            continue
        if isinstance(row, Dropped) or _content(row) != _content(true):
            problem = f"another sentence than {args.gold}:{true.line} has"
            raise row_error(args.hypothesis, row.line, problem, ADVICE)
        pairs.append((true, row))
    if not pairs:
        raise ValueError(f"{args.gold}: no row to score; look at --lang and --split")
    return pairs, len(gold) - len(pairs)


def _read_hypotheses(args: Namespace, gold: list[AnyRow]) -> list[AnyRow]:
    """Return the predicted rows, as many as `gold`."""
    if args.generate_output:
        return _read_generated(args.hypothesis, gold)
    if _holds_bare_parses(args):
        lines = [text for _, text in read_rows(args.hypothesis)]
        _check_count(args, len(lines), len(gold))
        return [_predict(row, split_symbols(text)) for row, text in zip(gold, lines)]
    rows = _read(args, args.hypothesis, predicted=True)
    _check_count(args, len(rows), len(gold))
    return rows


def _holds_bare_parses(args: Namespace) -> bool:
    first = next(read_rows(args.hypothesis))[1]
    if args.name == "parsing":
        return first.startswith(INTENT)
    return args.name == "mtop" and "\t" not in first


def _read(args: Namespace, path: Path, *, predicted: bool) -> list[AnyRow]:
    rows = find_reader(args).read(
        path,
        args.lang,
        split=args.split,
        keep_placeholders=args.keep_ns,
        predicted=predicted,
    )
    return list(rows)


def _read_generated(path: Path, gold: list[AnyRow]) -> list[AnyRow]:
    """Read the best hypothesis of each row in `H-ROW<TAB>SCORE<TAB>SYMBOLS` lines."""
    found: dict[str, list[str]] = {}
    for line, text in read_rows(path):
        if text.startswith("H-"):
            name, *cells = text.split("\t")
            if len(cells) != 2:
                raise row_error(path, line, "no `H-ROW SCORE SYMBOLS`", "run it again")
            found.setdefault(name, split_symbols(cells[1]))
    kept = [row for row in gold if not isinstance(row, Dropped)]
    names = [f"H-{number}" for number in range(len(kept))]
    if found.keys() != set(names):
        raise ValueError(
            f"{path}: {len(found)} hypotheses for the {len(kept)} rows to score, or "
            "other ones; generate for the subset that was prepared from this file"
        )
    hypotheses = map(found.__getitem__, names)
    return [
        row if isinstance(row, Dropped) else _predict(row, next(hypotheses))
        for row in gold
    ]


def _predict(row: AnyRow, symbols: list[str]) -> AnyRow:
    """Return `row` with `symbols` as its labels."""
    if isinstance(row, Dropped):
        return row
    if isinstance(row, SentencePair):
        return row._replace(label=" ".join(symbols))
    if row.parse is not None:
        return row._replace(parse=symbols)
    if row.intent is not None:
        return row._replace(intent="".join(symbols[:1]), tags=symbols[1:])
    return row._replace(tags=symbols)


def _check_count(args: Namespace, found: int, expected: int) -> None:
    if found != expected:
        raise ValueError(
            f"{args.hypothesis}: {found} rows where {args.gold} has {expected}; "
            f"{ADVICE}"
        )


def _content(row: Row) -> str | list[str] | tuple[str, str | None]:
    """Return the part of a row that is not predicted."""
    if isinstance(row, SentencePair):
        return (row.sentence1, row.sentence2)
    # Of a parse's tokens, some are joined where they are read with the true parse.
    return row.words if row.parse is None else "".join(row.words)
