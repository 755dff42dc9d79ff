"""JSON from users and from disks: an object or one line that says what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fairseq_mlkd.files.writing import write_text


def read_json(path: str | Path, remedy: str) -> dict[str, Any]:
    """Read the JSON object that a file holds.

    Args:
        remedy: what the user can do; ends the error.
    Raises:
        ValueError: the file is missing, damaged or holds something else.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"{path}: cannot be read ({reason}); {remedy}") from None
    return parse_json(text, str(path), remedy)


def parse_json(text: str, where: str, remedy: str) -> dict[str, Any]:
    """Return the JSON object that a text holds.

    Args:
        where: file, or file and line; begins the error.
        remedy: what the user can do; ends it.
    Raises:
        ValueError: the text is no JSON, or no object.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = str(error).split(": line")[0]
        raise ValueError(f"{where}: not JSON ({reason}); {remedy}") from None
    if not isinstance(value, dict):
        raise ValueError(f"{where}: holds no JSON object; {remedy}")
    return value


def write_json(value: Any, path: str | Path, indent: int = 2) -> None:
    """Write indented JSON, complete or not at all."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    write_text(path, text + "\n")
