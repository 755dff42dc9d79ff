"""Masked language modelling on sentences of many languages: pretraining and stage 1."""

import math
import os
from dataclasses import dataclass, field
from typing import Any, Optional

from fairseq import utils
from fairseq.data import Dictionary
from fairseq.dataclass import FairseqDataclass
from fairseq.models import BaseFairseqModel
from fairseq.tasks import register_task

from fairseq_mlkd.data.masked_lm_dataset import MaskedLMDataset, Masking
from fairseq_mlkd.data.multilingual_dataset import MultilingualDataset
from fairseq_mlkd.data.sentence_dataset import SentenceDataset
from fairseq_mlkd.distillation.contract import Supervision, supervise_masked
from fairseq_mlkd.tasks._measuring_task import Measure, Sums, add_up
from fairseq_mlkd.tasks._multilingual_task import (
    MultilingualTask,
    MultilingualTaskConfig,
)
from fairseq_mlkd.tasks._sentences import list_languages, log_sampling
from fairseq_mlkd.tasks._user_input import (
    ALL,
    load_dictionary,
    split_subset,
    user_errors,
)


@dataclass
class MultilingualMLMConfig(MultilingualTaskConfig):
    langs: Optional[str] = field(
        default=None,
        metadata={
            "help": "languages, comma-separated; default: every folder in the data"
        },
    )
    sampling_alpha: float = field(
        default=0.5,
        metadata={
            "help": "alpha of equation 1 over sentence counts, 0 to 1: 1 keeps the "
            "shares of the data, 0 makes all languages equal"
        },
    )
    mask_prob: float = field(
        default=Masking().mask_prob,
        metadata={"help": "share of the tokens that are predicted, 0 to 1"},
    )
    leave_unmasked_prob: float = field(
        default=Masking().leave_unmasked_prob,
        metadata={"help": "share of those that stay as they are, 0 to 1"},
    )
    random_token_prob: float = field(
        default=Masking().random_token_prob,
        metadata={"help": "share of those that become a random symbol, 0 to 1"},
    )
    freeze_encoder: bool = field(
        default=False,
        metadata={
            "help": "train the masked-LM head alone, on the encoder of --encoder-path"
        },
    )


@register_task("multilingual_mlm", dataclass=MultilingualMLMConfig)
class MultilingualMLMTask(MultilingualTask):
    """Reads `DATA/dict.txt` and `DATA/LANG/{train,valid}.{bin,idx}`.

    `train` is drawn anew each epoch by equation 1; epoch n reads the shard (n - 1)
    modulo the number of shards. Every other split is read once, as it is, with masks
    that stay the same; `valid` holds all languages, `valid.fr` one.
    """

    cfg: MultilingualMLMConfig
    counters = ("loss", "sample_size", "nsentences")

    def __init__(self, cfg: MultilingualMLMConfig, dictionary: Dictionary) -> None:
        super().__init__(cfg, dictionary)
        self.mask_idx = dictionary.add_symbol("<mask>")

    @classmethod
    def setup_task(
        cls, cfg: MultilingualMLMConfig, **kwargs: Any
    ) -> "MultilingualMLMTask":
        with user_errors():
            return cls(cfg, load_dictionary(cfg.data))

    def build_model(
        self, cfg: FairseqDataclass, from_checkpoint: bool = False
    ) -> BaseFairseqModel:
        model = super().build_model(cfg, from_checkpoint)
        with user_errors():
            name = self.cfg.path if from_checkpoint else "a model with --no-lm-head"
            self.check_head(model, str(name))
        return model

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

    def load_dataset(
        self, split: str, epoch: int = 1, combine: bool = False, **kwargs: Any
    ) -> None:
        with user_errors():
            dataset = self._load(split, epoch)
        self.datasets[split] = MaskedLMDataset(
            dataset,
            self.dictionary,
            self.mask_idx,
            masking=Masking(
                self.cfg.mask_prob,
                self.cfg.leave_unmasked_prob,
                self.cfg.random_token_prob,
            ),
        )

    def _load(self, subset: str, epoch: int) -> MultilingualDataset:
        shards = utils.split_paths(self.cfg.data)
        folder = shards[(epoch - 1) % len(shards)]
        split, lang = split_subset(subset)
        langs = (
            list_languages(folder, split, self.cfg.langs)
            if lang in (None, ALL)
            else [lang]
        )
        sentences = {
            lang: SentenceDataset(os.path.join(folder, lang, split), self.dictionary)
            for lang in langs
        }
        if split != "train":
            return MultilingualDataset(sentences, seed=self.sampling_seed())
        dataset = MultilingualDataset(
            sentences,
            sampling_alpha=self.cfg.sampling_alpha,
            seed=self.sampling_seed(),
        )
        log_sampling(dataset)
        return dataset

    def describe_examples(self) -> dict[str, Any]:
        cfg = self.cfg
        folder = utils.split_paths(cfg.data)[0]
        return {
            **super().describe_examples(),
            "--langs": list_languages(folder, "train", cfg.langs),
            "--sampling-alpha": cfg.sampling_alpha,
            "--mask-prob": cfg.mask_prob,
            "--leave-unmasked-prob": cfg.leave_unmasked_prob,
            "--random-token-prob": cfg.random_token_prob,
        }

    def supervise(self, sample: dict[str, Any]) -> Supervision:
        return supervise_masked(sample, self.dictionary.pad())

    def measure(self, sums: Sums) -> list[Measure]:
        bits = float(sums["loss"] / sums["sample_size"]) / math.log(2)
        examples = int(sums["nsentences"])
        return [Measure("masked-LM perplexity", 2**bits, examples, key="ppl")]

    def write_results(self, found: dict[str, Sums]) -> None:
        """With all languages together in front, as in Table 2."""
        total = {ALL: add_up(found.values())} if len(found) > 1 else {}
        super().write_results({**total, **found})

    def dataset_name(self) -> str:
        return "pretraining"
