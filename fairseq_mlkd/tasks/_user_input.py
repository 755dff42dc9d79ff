"""What a user gives: one line where it is wrong, dictionaries, names of subsets."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

from fairseq import utils
from fairseq.data import Dictionary

logger = logging.getLogger(__name__)

ALL = "all"


@contextmanager
def user_errors() -> Iterator[None]:
    """Turn a ValueError, the user's mistake, into one line and exit code 1."""
    try:
        yield
    except ValueError as error:
        logger.debug("where it was raised", exc_info=True)
        raise SystemExit(f"fairseq_mlkd: {error}") from None


def load_dictionary(data: str) -> Dictionary:
    """Read `dict.txt` of the (first) data folder.

    Raises:
        ValueError: there is none, or one of the folders is missing.
    """
    folders = utils.split_paths(data)
    for folder in folders:
        if not os.path.isdir(folder):
            raise ValueError(f"{folder}: no such folder")
    path = os.path.join(folders[0], "dict.txt")
    if not os.path.isfile(path):
        raise ValueError(f"{path} is missing: is this a folder that preprocess/ wrote?")
    return Dictionary.load(path)


def split_subset(subset: str) -> tuple[str, str | None]:
    """`test.fr` -> (`test`, `fr`); `test` -> (`test`, None)."""
    split, _, lang = subset.partition(".")
    return split, lang or None
