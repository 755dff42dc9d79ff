"""Official files of labelled data sets, written row by row."""

import json
from pathlib import Path


def write_rows(path: Path, *rows: str, end: str = "\n") -> Path:
    """Write a file of these rows, in a folder that may not exist yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(row + end for row in rows).encode())
    return path


def mtop_tokens(text: str) -> str:
    """Return the last column of mTOP; `_` divides tokens that touch."""
    words, spans, start = [], [], 0
    for part in text.split(" "):
        for word in part.split("_"):
            words.append(word)
            spans.append({"start": start, "length": len(word)})
            start += len(word)
        start += 1
    return json.dumps({"tokens": words, "tokenSpans": spans})


def mtop_row(parse: str, text: str, *, spans: str = "", intent: str = "IN:A") -> str:
    """Eight columns, with the id."""
    cells = ["7", intent, spans, text.replace("_", ""), "time", "en_XX", parse]
    return "\t".join([*cells, mtop_tokens(text)])
