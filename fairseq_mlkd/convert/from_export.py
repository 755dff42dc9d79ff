"""What `mlkd-export` wrote, as the checkpoint that it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from fairseq_mlkd.convert.naming import Weights
from fairseq_mlkd.convert.state import build_state, write_labels
from fairseq_mlkd.convert.trained import HEADS, PARSING
from fairseq_mlkd.data.folders import ONTOLOGY_FILE, TARGET
from fairseq_mlkd.files.writing import copy_file
from fairseq_mlkd.serve.folder import (
    FACTS_FILE,
    OURS,
    Facts,
    check_file,
    read_facts,
    read_tokenizer,
)
from fairseq_mlkd.serve.weights import read_weights
from fairseq_mlkd.text.dictionary import DICTIONARY_FILE, SPECIAL


def is_export(folder: Path) -> bool:
    """Tell whether `mlkd-export` wrote the folder."""
    return (folder / FACTS_FILE).is_file()


def write_checkpoint(folder: Path, out: Path) -> list[str]:
    """Write model.pt, dict.txt, the tokenizer and the labels into an empty folder.

    Returns:
        Lines that say what was imported.
    Raises:
        ValueError: in one line, a file that is missing, damaged or another one.
    """
    facts = read_facts(folder)
    heads = [head.name for head in facts.heads]
    if heads not in ([], [name for name, *_ in HEADS[facts.task]]):
        raise ValueError(
            f"{folder / FACTS_FILE}: {heads[0]} is no head of {facts.task}"
        )
    tokenizer, symbols = read_tokenizer(folder, facts)
    weights = read_weights(folder, facts)
    tokenizer.save(str(out))
    dictionary = check_file(folder, f"{OURS}/{DICTIONARY_FILE}", facts)
    copy_file(dictionary, out / DICTIONARY_FILE)
    save_checkpoint(out, facts, weights, symbols.names)
    return [f"{facts.task}: {len(weights)} tensors, {len(symbols):,} symbols"]


def save_checkpoint(
    out: Path, facts: Facts, weights: Weights, symbols: list[str]
) -> None:
    """Write model.pt and the labels that it knows beside it.

    Args:
        symbols: of its dictionary, `<mask>` included.
    """
    for head, (_, _, part) in zip(facts.heads, HEADS[facts.task]):
        write_labels(out, part, head.labels)
    if facts.task == PARSING:
        write_labels(out, TARGET, facts.outputs[len(SPECIAL) :])
        pairs = "".join(f"{intent} {slot}\n" for intent, slot in facts.ontology)
        (out / TARGET / ONTOLOGY_FILE).write_text(pairs, encoding="utf-8")
    labels = [label for head in facts.heads for label in head.labels]
    state = build_state(
        _model_config(facts),
        weights,
        symbols,
        task=facts.task,
        options=_task_options(facts),
        labels=labels + list(facts.outputs),
    )
    torch.save(state, str(out / "model.pt"))


def _model_config(facts: Facts) -> dict[str, Any]:
    name = "pointer_generator" if facts.decoder else "multilingual_encoder"
    has_no_head = not facts.has_lm_head
    return {
        **facts.encoder,
        **facts.decoder,
        "no_lm_head": has_no_head,
        "_name": name,
    }


def _task_options(facts: Facts) -> dict[str, Any]:
    if not HEADS[facts.task] and facts.task != PARSING:
        return {}
    options = {"source_lang": facts.source_lang, "long_inputs": facts.long_inputs}
    return options | ({"grammar": facts.grammar} if facts.decoder else {})
