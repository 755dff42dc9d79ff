"""The folders of prepared data: the one list of their names and of what they hold.

`mlkd-benchmark` writes `DATA/FOLDER/SUBSET.{bin,idx}`, a subset being a split
and a language, such as `test.fr`. Row i of a subset is the same example in each folder.
Single sentences to classify have no `input1`.

| folder | one row holds | symbols |
|---|---|---|
| `input0` | the (first) sentence, as subwords, and `</s>` | `dict.txt` |
| `input1` | the second sentence of a pair, likewise | `dict.txt` |
| `pieces` | how many subwords of `input0` each word has, 0 for one without | numbers |
| `words` | the words before they are cut into subwords, and `</s>` | `words/dict.txt` |
| `label` | the label of a pair, or one tag per word, and `</s>` | `label/dict.txt` |
| `intent` | the intent of the sentence, and `</s>` | `intent/dict.txt` |
| `target` | the parse: its symbols, pointers to words, `</s>` | `target/dict.txt` |

Words that mean one thing each here: a *part* of the data is one of these folders; a
*word* is what white space or the data set delimits, never a subword; the *pieces* of a
word are its subwords; a *reader* turns the files of others into rows.

`audit.json` says what became of each row of the files that the data were made from.
"""

import logging
from pathlib import Path
from typing import Any

from fairseq_mlkd.files.json_objects import read_json
from fairseq_mlkd.remedies import PREPARE_AGAIN

logger = logging.getLogger(__name__)

INPUT0 = "input0"
INPUT1 = "input1"
PIECES = "pieces"
WORDS = "words"
LABEL = "label"
INTENT = "intent"
TARGET = "target"

# In `target`: which slots stand under which intents in training.
ONTOLOGY_FILE = "ontology.txt"
AUDIT_FILE = "audit.json"
# Of a corpus: what became of its text.
REPORT_FILE = "report.json"


# What data of each task hold, and what they do not.
_SHAPES: dict[str, tuple[set[str], set[str]]] = {
    "zero_shot_parsing": ({TARGET}, set()),
    "zero_shot_intent_slot": ({LABEL, INTENT}, set()),
    "zero_shot_tagging": ({LABEL}, {INPUT1, TARGET}),
    "zero_shot_classification": ({LABEL}, {PIECES, TARGET}),
    "multilingual_mlm": (set(), {LABEL, TARGET, INPUT0}),
}


def check_task(data: str | Path, task: str) -> None:
    """Refuse data of another task.

    Args:
        data: the folder; if it does not exist, somebody else says so.
        task: its name.
    Raises:
        ValueError: naming the task that the data are for.
    """
    if not data or not Path(data).is_dir():
        return
    found = {path.name for path in Path(data).iterdir()}
    needed, foreign = _SHAPES[task]
    if needed <= found and not foreign & found:
        return
    fitting = [
        name
        for name, (parts, others) in _SHAPES.items()
        if parts and parts <= found and not others & found
    ]
    if not fitting:
        raise ValueError(
            f"{data}: no labelled data for --task {task}: name a folder that "
            "mlkd-benchmark wrote"
        )
    raise ValueError(
        f"--task {task} cannot read {data}, whose data are for --task {fitting[0]}"
    )


def is_sampled(data: str | Path) -> bool:
    """Return whether `mlkd-corpus --sentences` has drawn a corpus by equation 1.

    Args:
        data: the folder that it wrote, or one of its shards.
    """
    folder = Path(data)
    path = (folder.parent if folder.name.startswith("shard") else folder) / REPORT_FILE
    report = read_json(path, PREPARE_AGAIN) if path.is_file() else {}
    arguments = report.get("arguments")
    return isinstance(arguments, dict) and bool(arguments.get("sentences"))


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


def has_pairs(data: str | Path) -> bool:
    """Return whether labelled data hold pairs of sentences, not single ones."""
    return Path(data, INPUT1).is_dir()


def read_audit(data: str | Path) -> dict[str, Any]:
    """Read `DATA/audit.json`; nothing where there is none.

    Raises:
        ValueError: the file is damaged.
    """
    path = Path(data, AUDIT_FILE)
    return read_json(path, PREPARE_AGAIN) if path.is_file() else {}
