"""Masked language modelling on sentences of many languages: pretraining and stage 1."""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from tempfile import TemporaryDirectory
from typing import Any, Optional

import torch
from fairseq import utils
from fairseq.data import Dictionary
from fairseq.models import BaseFairseqModel
from fairseq.tasks import register_task

from fairseq_mlkd.data.dictionary import load_input_dictionary
from fairseq_mlkd.data.folders import INPUT0, check_task, read_alpha
from fairseq_mlkd.data.masked_lm_dataset import MaskedLMDataset, Masking
from fairseq_mlkd.data.multilingual_dataset import MultilingualDataset
from fairseq_mlkd.data.sentence_dataset import SentenceDataset, list_languages
from fairseq_mlkd.distillation.contract import Supervision, supervise_masked
from fairseq_mlkd.errors import in_one_line
from fairseq_mlkd.metrics.metric import Counts, add_up
from fairseq_mlkd.metrics.perplexity import Perplexity
from fairseq_mlkd.options import option
from fairseq_mlkd.tasks._generation import (
    Hypotheses,
    TextReader,
    ensemble_log_probs,
    hypothesis,
    write_rows,
)
from fairseq_mlkd.tasks._multilingual_task import (
    MultilingualTask,
    MultilingualTaskConfig,
    split_subset,
)
from fairseq_mlkd.tasks._outcomes import Outcomes
from fairseq_mlkd.tasks._scoring import ALL
from fairseq_mlkd.text.dictionary import MASK

logger = logging.getLogger(__name__)


@dataclass
class MultilingualMLMConfig(MultilingualTaskConfig):
    langs: Optional[str] = option(
        None, "languages, comma-separated; default: every folder in the data"
    )
    sampling_alpha: float = option(
        0.5,
        "alpha of equation 1 over sentence counts, 0 to 1: 1 keeps the "
        "shares of the data, 0 makes all languages equal",
    )
    mask_prob: float = option(
        Masking().mask_prob, "share of the tokens that are predicted, 0 to 1"
    )
    leave_unmasked_prob: float = option(
        Masking().leave_unmasked_prob, "share of those that stay as they are, 0 to 1"
    )
    random_token_prob: float = option(
        Masking().random_token_prob,
        "share of those that become a random symbol, 0 to 1",
    )
    freeze_encoder: bool = option(
        False, "train the masked-LM head alone, on the encoder of --encoder-path"
    )


@register_task("multilingual_mlm", dataclass=MultilingualMLMConfig)
class MultilingualMLMTask(MultilingualTask):
    """Reads `DATA/dict.txt` and `DATA/LANG/{train,valid}.{bin,idx}`.

    `train` is drawn anew each epoch by equation 1; epoch n reads the shard (n - 1)
    modulo the number of shards. Every other split is read once, as it is, with masks
    that stay the same; `valid` holds all languages, `valid.fr` one.
    """

    cfg: MultilingualMLMConfig
    other_criterions = ("masked_lm",)

    def __init__(self, cfg: MultilingualMLMConfig, dictionary: Dictionary) -> None:
        super().__init__(cfg, dictionary, Perplexity())
        self.mask_idx = dictionary.index(MASK)
        self.masking = Masking(
            cfg.mask_prob, cfg.leave_unmasked_prob, cfg.random_token_prob
        )
        check_masking(self.masking)

    @classmethod
    @in_one_line
    def setup_task(
        cls, cfg: MultilingualMLMConfig, **kwargs: Any
    ) -> "MultilingualMLMTask":
        check_task(utils.split_paths(cfg.data)[0], "multilingual_mlm")
        return cls(cfg, load_input_dictionary(cfg.data))

    def check_head(self, model: BaseFairseqModel, name: str) -> None:
        if model.lm_head is None:
            raise ValueError(
                f"{name} has no masked-LM head: train one with --task multilingual_mlm "
                "--encoder-path MODEL --freeze-encoder"
            )

    def prepare_for_training(self, model: BaseFairseqModel) -> None:
        if self.cfg.freeze_encoder:
            if self.cfg.encoder_path is None:
                raise ValueError("--freeze-encoder needs --encoder-path")
            model.encoder.requires_grad_(False)

    @in_one_line
    def load_dataset(
        self, split: str, epoch: int = 1, combine: bool = False, **kwargs: Any
    ) -> None:
        name, _ = split_subset(split)
        folder = self._shard(epoch)
        sentences = {
            lang: SentenceDataset(os.path.join(folder, lang, name), self.dictionary)
            for lang in self.languages(split, epoch)
        }
        dataset = MultilingualDataset(
            sentences,
            sampling_alpha=self._alpha if name == "train" else None,
            seed=self.sampling_seed(),
            subset=split,
        )
        if name == "train":
            dataset.log_sampling()
        else:
            dataset.log_counts()
        self.datasets[split] = MaskedLMDataset(
            dataset, self.dictionary, self.mask_idx, masking=self.masking
        )

    def open_lines(self, lines: Sequence[str], text: TextReader) -> SentenceDataset:
        with TemporaryDirectory() as folder:
            rows = [{INPUT0: text.masked_sentence(line)} for line in lines]
            write_rows(folder, "typed", rows)
            return SentenceDataset(
                os.path.join(folder, INPUT0, "typed"),
                self.dictionary,
                self.longest_input(),
            )

    def build_generator(
        self, models: list[BaseFairseqModel], args: Any, **kwargs: Any
    ) -> "MaskFiller":
        return MaskFiller(self.dictionary, self.mask_idx)

    def languages(self, subset: str, epoch: int = 1) -> list[str]:
        split, lang = split_subset(subset)
        wanted = self.cfg.langs if lang in (None, ALL) else lang
        return list_languages(self._shard(epoch), split, wanted)

    @cached_property
    def _alpha(self) -> float:
        alpha = self.cfg.sampling_alpha
        return read_alpha(self._shard(1), alpha, "--sampling-alpha")

    def _shard(self, epoch: int) -> str:
        shards = utils.split_paths(self.cfg.data)
        return shards[(epoch - 1) % len(shards)]

    def describe_examples(self) -> dict[str, Any]:
        cfg = self.cfg
        folder = utils.split_paths(cfg.data)[0]
        return {
            **super().describe_examples(),
            "--langs": list_languages(folder, "train", cfg.langs),
            "--sampling-alpha": self._alpha,
            "--mask-prob": cfg.mask_prob,
            "--leave-unmasked-prob": cfg.leave_unmasked_prob,
            "--random-token-prob": cfg.random_token_prob,
        }

    def supervise(self, sample: dict[str, Any]) -> Supervision:
        return supervise_masked(sample, self.dictionary.pad())

    def write_results(
        self, subset: str, counts: dict[str, Counts], outcomes: dict[str, Outcomes]
    ) -> None:
        """Do as the base class, with all languages together in front, as in Table 2."""
        total = {ALL: add_up(counts.values())} if len(counts) > 1 else {}
        super().write_results(subset, {**total, **counts}, outcomes)

    def dataset_name(self) -> str:
        return "pretraining"


class MaskFiller:
    """Lets fairseq-interactive write sentences in which every `<mask>` is filled."""

    symbols_to_strip_from_output = None

    def __init__(self, dictionary: Dictionary, mask_idx: int) -> None:
        self.dictionary, self.mask_idx = dictionary, mask_idx

    def generate(
        self, models: list[BaseFairseqModel], sample: dict[str, Any], **kwargs: Any
    ) -> Hypotheses:
        """Return one hypothesis per sentence; each mask is filled by itself.

        Where there is a target, the hypothesis is of its tokens alone.
        """
        tokens = sample["net_input"]["src_tokens"]  # B x T
        pad, bos = self.dictionary.pad(), self.dictionary.bos()
        is_told = tokens.ne(pad) & tokens.ne(bos)
        is_gap = tokens.eq(self.mask_idx)
        if "target" in sample:
            is_told = is_gap = sample["target"].ne(pad)
        places = is_gap.flatten().nonzero().flatten()
        supervision = Supervision({"lm_head": places}, {"lm_head": places})
        lprobs = ensemble_log_probs(models, sample, supervision)["lm_head"]
        filled = tokens.flatten().clone()
        scores = torch.zeros(tokens.numel(), device=tokens.device)
        found = lprobs.max(dim=-1)
        filled[places], scores[places] = found.indices, found.values.to(scores)
        return [
            [hypothesis(row[keep], lprob[keep])]
            for row, lprob, keep in zip(
                filled.view_as(tokens), scores.view_as(tokens), is_told
            )
        ]


def check_masking(masking: Masking) -> None:
    """Refuse shares that are none.

    Raises:
        ValueError: one is not between 0 and 1, or two are above 1 together.
    """
    for name, share in masking._asdict().items():
        if not 0 <= share <= 1:
            flag = name.replace("_", "-")
            raise ValueError(f"--{flag} {share} is not between 0 and 1")
    if masking.leave_unmasked_prob + masking.random_token_prob > 1:
        raise ValueError(
            f"--leave-unmasked-prob {masking.leave_unmasked_prob} and "
            f"--random-token-prob {masking.random_token_prob} are above 1 together"
        )
