"""The symbols of data: `dict.txt`, which fairseq writes and reads."""

import copy
import os
from pathlib import Path

from fairseq import utils
from fairseq.data import Dictionary

from fairseq_mlkd.text.dictionary import DICTIONARY_FILE, MASK


def load_dictionary(folder: str | Path, *shards: str | Path, remedy: str) -> Dictionary:
    """Read the `dict.txt` of a folder, and of the others that share its data.

    Args:
        shards: more folders, whose ids have to mean the same symbols.
        remedy: what the user can do about a missing or damaged file; ends the error.
    Raises:
        ValueError: a file is missing, damaged or not that of the first folder.
    """
    dictionary = _load(folder, remedy)
    for shard in shards:
        if _load(shard, remedy) != dictionary:
            raise ValueError(
                f"{os.path.join(shard, DICTIONARY_FILE)} is not that of {folder}, so "
                "ids mean other symbols; shards have to come from one run of "
                "mlkd-corpus"
            )
    return dictionary


def load_data_dictionary(data: str) -> Dictionary:
    """Read `dict.txt` of a task's data folder, or of several shards, `A:B`.

    Raises:
        ValueError: as `load_dictionary`.
    """
    remedy = "name a folder that mlkd-benchmark or mlkd-corpus wrote"
    return load_dictionary(*utils.split_paths(data), remedy=remedy)


def load_input_dictionary(data: str) -> Dictionary:
    """Read the symbols of a model's input: as `load_data_dictionary`, `<mask>` last."""
    dictionary = load_data_dictionary(data)
    dictionary.add_symbol(MASK)
    return dictionary


def join_dictionaries(first: Dictionary, second: Dictionary) -> Dictionary:
    """Return the symbols of one, then of the other; a name in both keeps two ids.

    The special symbols of `second` are left out.
    """
    joined = copy.deepcopy(first)
    joined.symbols += second.symbols[second.nspecial :]
    joined.count += second.count[second.nspecial :]
    return joined


def _load(folder: str | Path, remedy: str) -> Dictionary:
    if not folder:
        raise ValueError(
            "no folder of data is named: give it on the command line, or in Python as "
            "arg_overrides={'data': FOLDER}"
        )
    if not os.path.isdir(folder):
        raise ValueError(f"{folder}: no such folder; {remedy}")
    path = os.path.join(folder, DICTIONARY_FILE)
    if not os.path.isfile(path):
        raise ValueError(f"{path} is missing: {remedy}")
    try:
        return Dictionary.load(path)
    except Exception as error:  # what fairseq raises for a wrong encoding
        reason = " ".join(str(error).split()).rstrip(".")
        raise ValueError(f"{path}: cannot be read ({reason}); {remedy}") from None
