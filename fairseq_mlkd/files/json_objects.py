"""JSON from users and from disks: an object or one line that says what to do."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from fairseq_mlkd.files.writing import write_text

# JSON can escape half a character, which no file can hold.
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


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
        ValueError: the text is no JSON, no object, or holds half a character.
    """
    try:
        value = json.loads(text)
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = error.object[error.start]
        raise ValueError(f"{where}: {half!r} is half a character; {remedy}") from None
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
