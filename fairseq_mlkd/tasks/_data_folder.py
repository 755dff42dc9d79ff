"""What tasks read of a data folder beside its sentences, and the names of subsets."""

import logging

from fairseq import utils
from fairseq.data import Dictionary

from fairseq_mlkd.data import dictionary
from fairseq_mlkd.data.folders import is_sampled

logger = logging.getLogger(__name__)


def load_dictionary(data: str) -> Dictionary:
    """Read `dict.txt` of a data folder, or of several shards, `A:B`.

    Raises:
        ValueError: one is missing, damaged or not that of the first folder.
    """
    remedy = "name a folder that mlkd-benchmark or mlkd-corpus wrote"
    return dictionary.load_dictionary(*utils.split_paths(data), remedy=remedy)


def read_alpha(folder: str, alpha: float, flag: str) -> float:
    """Return alpha of equation 1: 1 where it has drawn the corpus, which is said."""
    if alpha == 1.0 or not is_sampled(folder):
        return alpha
    logger.warning(
        "%s %g is read as 1: mlkd-corpus --sentences has drawn %s by equation 1 "
        "already",
        flag,
        alpha,
        folder,
    )
    return 1.0


def split_subset(subset: str) -> tuple[str, str | None]:
    """Map `test.fr` to (`test`, `fr`); `test` -> (`test`, None)."""
    split, _, lang = subset.partition(".")
    return split, lang or None
