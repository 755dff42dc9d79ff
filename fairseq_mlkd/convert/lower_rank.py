"""A checkpoint whose token embeddings are the product of two thin matrices."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from fairseq_mlkd.convert import export, gate
from fairseq_mlkd.convert.from_export import save_checkpoint
from fairseq_mlkd.convert.options import Options
from fairseq_mlkd.convert.trained import TOKENS, UP, Trained
from fairseq_mlkd.files.writing import copy_file
from fairseq_mlkd.modules.low_rank import factorise
from fairseq_mlkd.serve.predictor import Predictor
from fairseq_mlkd.text.dictionary import DICTIONARY_FILE


def write_folder(folder: Path, trained: Trained, rank: int, rows: int) -> list[str]:
    """Write the checkpoint with embeddings of a rank into an empty folder.

    Args:
        rows: of each language's dev data that both checkpoints answer.
    Returns:
        Lines about its size, and what each language loses.
    Raises:
        ValueError: the rank is none, or there is nothing to compare on.
    """
    lowered = lower_rank(trained, rank)
    dev_sets = gate.read_dev_sets(trained, rows)
    before, after = (
        sum(x.size for x in t.weights.values()) for t in (trained, lowered)
    )
    lines = [
        f"token embeddings: {trained.weights[TOKENS].size:,} numbers -> "
        f"{lowered.weights[TOKENS].size + lowered.weights[UP].size:,}, of {before:,} "
        f"parameters {after:,} are left",
    ]
    with TemporaryDirectory() as temporary:
        predictors = []
        for name, model in (("before", trained), ("after", lowered)):
            path = Path(temporary, name)
            path.mkdir()
            export.write_folder(path, model, Options())
            predictors.append(Predictor(path, engine="torch"))
        verdicts = gate.compare(predictors[0], predictors[1], dev_sets)
    lines += [verdict.describe() for verdict in verdicts]
    lines.append("this is the nearest table, and no training: train the model further")
    trained.tokenizer.save(str(folder))
    copy_file(trained.dictionary, folder / DICTIONARY_FILE)
    tensors = {name: torch.from_numpy(x) for name, x in lowered.weights.items()}
    save_checkpoint(folder, lowered.facts, tensors, trained.symbols)
    return lines


def lower_rank(trained: Trained, rank: int) -> Trained:
    """Factorise the token embeddings.

    Raises:
        ValueError: they have a rank already, or this one is none below the width.
    """
    width = trained.facts.encoder["encoder_embed_dim"]
    if trained.facts.embedding_rank or not 0 < rank < width:
        has = trained.facts.embedding_rank or width
        raise ValueError(
            f"--embedding-rank {rank}: give a number from 1 to {width - 1} for whole "
            f"embeddings; these are of rank {has}"
        )
    tokens, up = factorise(torch.from_numpy(trained.weights[TOKENS]), rank)
    weights = {**trained.weights, TOKENS: tokens.numpy(), UP: up.numpy()}
    encoder = {**trained.facts.encoder, "embedding_rank": rank}
    return trained._replace(
        weights=weights, facts=replace(trained.facts, encoder=encoder)
    )
