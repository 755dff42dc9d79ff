"""The folder of sentences that preprocess/corpus.py wrote: `LANG/SPLIT.{bin,idx}`."""

import logging
import os
from collections.abc import Callable

from fairseq.data import Dictionary, FairseqDataset
from fairseq.dataclass import FairseqDataclass

from fairseq_mlkd.data.multilingual_dataset import MultilingualDataset
from fairseq_mlkd.tasks._user_input import load_dictionary

logger = logging.getLogger(__name__)


def list_languages(folder: str, split: str, wanted: str | None = None) -> list[str]:
    """The languages to read: those in `wanted`, or else all that have `split`.

    Args:
        wanted: comma-separated.
    Raises:
        ValueError: there are none.
    """
    if wanted:
        return wanted.split(",")
    langs = sorted(
        entry.name
        for entry in os.scandir(folder)
        if os.path.isfile(os.path.join(entry.path, f"{split}.idx"))
    )
    if not langs:
        raise ValueError(f"{folder}: no language folder holds {split}.idx")
    return langs


def log_sampling(dataset: MultilingualDataset) -> None:
    """Say how often each language is drawn, and what that does to its size."""
    total, epoch = sum(dataset.counts), sum(dataset.epoch_counts)
    for lang, count, drawn in zip(dataset.langs, dataset.counts, dataset.epoch_counts):
        logger.info(
            "%s: %s sentences, share %.4f -> sampling probability %.4f, "
            "sampling ratio %.2f",
            lang,
            f"{count:,}",
            count / total,
            drawn / epoch,
            drawn / max(count, 1),
        )


def open_unlabelled(
    cfg: FairseqDataclass,
    dictionary: Dictionary,
    labelled: int,
    load: Callable[[str], FairseqDataset],
    seed: int,
) -> MultilingualDataset:
    """Open the sentences that stand beside labelled examples in an epoch.

    Args:
        cfg: of a fine-tuning task.
        dictionary: its symbols, `<mask>` among them.
        labelled: how many labelled examples there are.
        load: opens one language's file, given its path without extension.
        seed: of the draws.
    Raises:
        ValueError: the folder has another dictionary, or nothing to draw.
    """
    folder = cfg.unlabelled_data
    theirs = load_dictionary(folder)
    theirs.add_symbol("<mask>")
    if theirs.symbols != dictionary.symbols:
        raise ValueError(
            f"--unlabelled-data {folder}: its dict.txt is not that of {cfg.data}: "
            "prepare both with the same --tokenizer"
        )
    epoch_size = int(labelled * cfg.unlabelled_ratio)
    if epoch_size <= 0:
        raise ValueError(
            f"--unlabelled-ratio {cfg.unlabelled_ratio} gives no sentence at all for "
            f"{labelled} labelled examples"
        )
    langs = list_languages(folder, "train", cfg.unlabelled_langs)
    if not cfg.unlabelled_langs:
        langs = [lang for lang in langs if lang != cfg.source_lang]
    if not langs:
        raise ValueError(f"--unlabelled-data {folder}: only {cfg.source_lang} is there")
    dataset = MultilingualDataset(
        {lang: load(os.path.join(folder, lang, "train")) for lang in langs},
        sampling_alpha=cfg.unlabelled_alpha,
        epoch_size=epoch_size,
        seed=seed,
    )
    log_sampling(dataset)
    return dataset
