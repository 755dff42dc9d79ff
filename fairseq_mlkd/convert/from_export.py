"""What `mlkd-export` wrote, as the checkpoint that it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from fairseq_mlkd.convert.heads import hugging_face_modules
from fairseq_mlkd.convert.naming import Names, Weights, rename
from fairseq_mlkd.convert.state import build_state, write_labels
from fairseq_mlkd.convert.to_huggingface import HEAD_FILE
from fairseq_mlkd.convert.trained import HEADS, PARSING
from fairseq_mlkd.data.folders import ONTOLOGY_FILE, TARGET
from fairseq_mlkd.files.writing import copy_file
from fairseq_mlkd.modules.bert_names import BERT_ENCODER, BERT_LM_HEAD
from fairseq_mlkd.serve.folder import (
    DECODER_FILE,
    FACTS_FILE,
    OURS,
    WEIGHTS_FILE,
    Facts,
    check_file,
    read_facts,
    read_tokenizer,
)
from fairseq_mlkd.text.dictionary import DICTIONARY_FILE, SPECIAL

_TOKENS, _BIAS = "encoder.embeddings.tokens.weight", "lm_head.bias"
_SEGMENTS = "encoder.embeddings.segments.weight"


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
    tokenizer, symbols = read_tokenizer(folder)
    weights = _read_weights(folder, facts)
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


def _read_weights(folder: Path, facts: Facts) -> Weights:
    tensors = load_file(str(check_file(folder, WEIGHTS_FILE, facts)))
    several = len(facts.heads) > 1
    modules = {**BERT_ENCODER, **BERT_LM_HEAD}
    weights: Weights = {}
    for head in facts.heads:
        ours = f"classification_heads.{head.name}"
        found = {
            theirs.removeprefix("bert."): f"{ours}.{name}"
            for name, theirs in hugging_face_modules(head.pooled).items()
        }
        if several:
            file = check_file(folder, f"{head.name}/{HEAD_FILE}", facts)
            own, _, _ = rename(load_file(str(file)), Names(r"bert\.", found))
            weights.update(own)
        else:
            modules.update(found)
    renamed, left, _ = rename(tensors, Names(r"bert\.", modules))
    if left:
        raise ValueError(f"{folder / WEIGHTS_FILE}: holds {left[0]}, a foreign tensor")
    weights.update(renamed)
    for name in {_TOKENS, _BIAS} & weights.keys():
        weights[name] = weights[name][: facts.vocabulary].clone()
    if not facts.encoder["num_segments"]:
        del weights[_SEGMENTS]
    if facts.decoder:
        weights.update(load_file(str(check_file(folder, DECODER_FILE, facts))))
    return weights


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
