"""A checkpoint of ours together with what its task knew: symbols, labels, subwords."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from omegaconf import OmegaConf

from fairseq_mlkd.checkpoint import (
    DICTIONARY_KEY,
    LABELS_KEY,
    load_state,
    read_checkpoint,
    symbols_sha256,
)
from fairseq_mlkd.convert.hub import read_source_file
from fairseq_mlkd.data.folders import (
    INTENT,
    LABEL,
    ONTOLOGY_FILE,
    TARGET,
    read_audit,
)
from fairseq_mlkd.models.multilingual_encoder import MultilingualEncoderConfig
from fairseq_mlkd.serve.folder import TASKS, Facts, Head
from fairseq_mlkd.text.dictionary import (
    BOS,
    DICTIONARY_FILE,
    PAD,
    SPECIAL,
    UNK,
    read_dictionary,
    with_mask,
)
from fairseq_mlkd.text.grammar import GRAMMARS
from fairseq_mlkd.text.pointers import pointer_position
from fairseq_mlkd.text.tokenizer import SETTINGS_FILE, Tokenizer, tokenizer_fingerprint
from fairseq_mlkd.text.windows import LONG_INPUTS

Arrays = dict[str, np.ndarray]

# token embeddings, and what maps them up to the width where they are of a lower rank
TOKENS, UP = "encoder.embeddings.tokens.weight", "encoder.embeddings.up.weight"

MLM, CLASSIFICATION, TAGGING, INTENT_SLOT, PARSING = TASKS
# the heads that a task adds: name, whether pooled, the folder of its labels
HEADS: dict[str, list[tuple[str, bool, str]]] = {
    MLM: [],
    CLASSIFICATION: [("sentence_classification_head", True, LABEL)],
    TAGGING: [("tagging_head", False, LABEL)],
    INTENT_SLOT: [("intent_head", True, INTENT), ("slot_head", False, LABEL)],
    PARSING: [],
}
# the weights tell whether there is a masked-LM head
_ENCODER = [
    field.name
    for field in fields(MultilingualEncoderConfig)
    if field.name not in ("_name", "no_lm_head")
]
_DECODER = ("decoder_layers", "decoder_ffn_embed_dim", "max_target_positions")


class Trained(NamedTuple):
    """What is exported.

    Attributes:
        facts: as they stand in the folder, without fingerprints.
        weights: float32, by our names; no projections, no unused masked-LM head.
        symbols: of `dict.txt`, special ones first, `<mask>` completed.
        dictionary: path of `dict.txt`.
        data: the folder of the task's data, or where its labels lie.
        teacher: folder and file name of its teacher, empty without one.
        start: those of the encoder that its training began with, empty without one.
        audit: of the data, empty without one.
    """

    facts: Facts
    weights: Arrays
    symbols: list[str]
    tokenizer: Tokenizer
    dictionary: Path
    data: Path
    teacher: str
    start: str
    audit: dict[str, Any]


def read_trained(
    path: Path, *, data: Path | None = None, tokenizer: Path | None = None
) -> Trained:
    """Read a checkpoint of one of our tasks, and what lies beside its data.

    Args:
        path: the checkpoint.
        data: the folder that it was trained on; default: the one that it names.
        tokenizer: folder of `subwords.json`; default: the data or the checkpoint's.
    Raises:
        ValueError: in one line, what is missing, foreign or does not belong to it.
    """
    state = read_checkpoint(str(path), "checkpoint")
    task: Any = OmegaConf.to_container(state["cfg"]["task"])
    # what names files is never acted on, but where the fingerprints prove them right
    told = load_state(str(path))["cfg"]
    name = str(task.get("_name"))
    if name not in HEADS:
        raise ValueError(f"{path}: trained for {name}, none of {', '.join(HEADS)}")
    task_state = state["task_state"]
    key = DICTIONARY_KEY if name == MLM else LABELS_KEY
    folder = _data_folder(path, told, data, is_proven=key in task_state)
    subwords, symbols = _read_subwords(path, folder, tokenizer, task_state)
    weights = {key: x.float().numpy() for key, x in state["model"].items()}
    heads = [
        Head(head, pooled, read_labels(folder, part))
        for head, pooled, part in HEADS[name]
    ]
    model = state["cfg"]["model"]
    parse = _read_parses(folder) if name == PARSING else {}
    outputs = list(parse.get("outputs", []))
    _check_labels(path, [x for head in heads for x in head.labels] + outputs, state)
    audit = _read_audit_of(subwords, folder)
    if HEADS[name] or name == PARSING:
        weights = {k: x for k, x in weights.items() if not k.startswith("lm_head.")}
    facts = Facts(
        task=name,
        encoder={key: model[key] for key in _ENCODER},
        vocabulary=len(symbols),
        heads=heads,
        has_lm_head="lm_head.dense.weight" in weights,
        decoder={key: model[key] for key in _DECODER} if parse else {},
        **parse,
        grammar=_choice(told, "grammar", GRAMMARS),
        long_inputs=_choice(told, "long_inputs", LONG_INPUTS),
        source_lang=str(task.get("source_lang", "")),
        languages=_languages(folder, audit),
        benchmark=str(audit.get("benchmark", "")),
    )
    dictionary = subwords / DICTIONARY_FILE
    loaded = Tokenizer.load(str(subwords))
    return Trained(
        *(facts, weights, symbols, loaded, dictionary, folder),
        teacher=_last_parts(told.get("criterion"), "teacher_path"),
        start=_last_parts(told.get("task"), "encoder_path")
        or read_source_file(path.parent),
        audit=audit,
    )


def _read_audit_of(subwords: Path, data: Path) -> dict[str, Any]:
    """Read the audit of data, which must have been made with these subwords."""
    audit = read_audit(data)
    if audit and tokenizer_fingerprint(subwords) != audit.get("tokenizer"):
        raise ValueError(
            f"--tokenizer {subwords}: not the folder that {data} was made with; name "
            "that one"
        )
    return audit


def _last_parts(section: Any, key: str) -> str:
    """Return the folder and name of a file that the configuration names."""
    path = str((section or {}).get(key) or "")
    return "/".join(Path(path).parts[-2:])


def _choice(told: Mapping[str, Any], key: str, choices: Sequence[str]) -> str:
    value = str(told["task"].get(key, choices[0]))
    return value if value in choices else choices[0]


def _data_folder(
    path: Path, told: Mapping[str, Any], data: Path | None, *, is_proven: bool
) -> Path:
    """Return the data folder, or the checkpoint's where an import left its labels.

    Args:
        told: the checkpoint's configuration as it stands.
        is_proven: whether a fingerprint will show that they are the right ones.
    """
    if data is not None:
        if not data.is_dir():
            raise ValueError(f"--data {data}: no such folder")
        return data
    named = str(told["task"].get("data") or "").split(":")[0]
    if named and is_proven and Path(named).is_dir():
        return Path(named)
    return path.parent


def _read_subwords(
    path: Path, data: Path, tokenizer: Path | None, task_state: Mapping[str, Any]
) -> tuple[Path, list[str]]:
    """Find the tokenizer's folder; its dictionary must be the checkpoint's."""
    choices = [tokenizer] if tokenizer else [data, path.parent]
    found = [x for x in choices if (x / SETTINGS_FILE).is_file()]
    if not found:
        raise ValueError(
            f"{path}: no {SETTINGS_FILE} in {' or '.join(map(str, choices))}: name the "
            "folder that mlkd-corpus or mlkd-import wrote by --tokenizer"
        )
    symbols = with_mask(read_dictionary(str(found[0] / DICTIONARY_FILE))[0])
    theirs = task_state.get(DICTIONARY_KEY, symbols_sha256(symbols))
    if theirs != symbols_sha256(symbols):
        raise ValueError(
            f"--tokenizer {found[0]}: its {DICTIONARY_FILE} is not the one that {path} "
            "was trained with"
        )
    return found[0], symbols


def read_labels(data: Path, part: str) -> list[str]:
    """Read the labels that training data hold, in the order of the classes.

    Raises:
        ValueError: the folder has none.
    """
    file = data / part / DICTIONARY_FILE
    if not file.is_file():
        raise ValueError(f"no {file}; name the data that it learnt from by --data")
    names, counts = read_dictionary(str(file))
    found = zip(names[len(SPECIAL) :], counts[len(SPECIAL) :])
    return [name for name, count in found if count > 0]


def _read_parses(data: Path) -> dict[str, Any]:
    outputs = [*SPECIAL, *read_labels(data, TARGET)]
    pairs = []
    ontology = data / TARGET / ONTOLOGY_FILE
    if ontology.is_file():
        pairs = [line.split() for line in ontology.read_text("utf-8").splitlines()]
    return {
        "outputs": outputs,
        "num_pointers": sum(pointer_position(x) is not None for x in outputs),
        "ontology": [(intent, slot) for intent, slot in pairs],
    }


def _check_labels(path: Path, labels: list[str], state: Mapping[str, Any]) -> None:
    ours = symbols_sha256(labels)
    if (state["task_state"]).get(LABELS_KEY, ours) != ours and labels:
        raise ValueError(
            f"{path}: trained with other labels than its data has now; name the data "
            "that it was trained on by --data"
        )


def _languages(data: Path, audit: Mapping[str, Any]) -> list[str]:
    if audit:
        return sorted({file["language"] for file in audit["files"]})
    return sorted(path.parent.name for path in data.glob("*/train.idx"))


# symbols that a parser never says
NEVER = (BOS, PAD, UNK)
