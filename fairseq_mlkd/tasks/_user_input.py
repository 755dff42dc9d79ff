"""What a user gives: one line where it is wrong, dictionaries, names of subsets."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from fairseq import utils
from fairseq.data import Dictionary

from fairseq_mlkd.data import dictionary

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
    """Read `dict.txt` of a data folder, or of several shards, `A:B`.

    Raises:
        ValueError: one is missing, damaged or not that of the first folder.
    """
    remedy = "is this a folder that preprocess/ wrote?"
    return dictionary.load_dictionary(*utils.split_paths(data), remedy=remedy)


def split_subset(subset: str) -> tuple[str, str | None]:
    """`test.fr` -> (`test`, `fr`); `test` -> (`test`, None)."""
    split, _, lang = subset.partition(".")
    return split, lang or None
