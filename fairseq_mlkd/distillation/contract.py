"""The contract: all that a task offers so that a model of it can be distilled."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
from fairseq.data import Dictionary
from fairseq.models import BaseFairseqModel
from torch import Tensor

Sample = dict[str, Any]  # a batch, as the collater of a dataset makes it


class Supervision(NamedTuple):
    """The labels of a batch and their places, where losses compare outputs.

    Args:
        places: head -> `(n,)` indices into the flat positions that the head reads:
            those of `src_tokens`, or of `prev_output_tokens` for a decoder.
        targets: head -> `(n,)` class ids, in the same order; `losses.NO_LABEL` where
            there is none.
    """

    places: dict[str, Tensor]
    targets: dict[str, Tensor]


def supervise_masked(sample: Sample, padding_idx: int) -> Supervision:
    """Return the masked tokens of a batch, which the masked-LM head predicts.

    Args:
        sample: its `target` `(bsz, src_len)` is padding wherever nothing is masked.
    """
    target = sample["target"].flatten()
    masked = target.ne(padding_idx).nonzero().flatten()
    return Supervision({"lm_head": masked}, {"lm_head": target[masked]})


class Alignment(NamedTuple):
    """The common ground of two readings of the same examples in different subwords.

    Args:
        labels: head -> `(bsz, labels)`, true at the labels of `target` that it reads.
        word_starts: `(bsz, words)`, index of each word's first subword, -1 where it has
            none; None: the inputs are not words.
        excluded: head -> `(n, classes)`, true where a class is no choice for a label.
    """

    labels: dict[str, Tensor]
    word_starts: Tensor | None
    excluded: dict[str, Tensor]


_LARGEST = 1 << 17  # no model has more of anything; a crafted file may claim it


class ModelShape(NamedTuple):
    """The sizes that decide how two models are compared, and what they can read."""

    encoder_layers: int
    encoder_embed_dim: int
    encoder_attention_heads: int
    max_positions: int
    decoder_layers: int | None = None  # None: there is no decoder
    max_target_positions: int | None = None

    @classmethod
    def of(cls, cfg: Any) -> "ModelShape":
        """Return the shape of a model of ours, given its config.

        Args:
            cfg: a config with these attributes, or a mapping with these keys.
        Raises:
            ValueError: it lacks one.
        """
        found = cfg if isinstance(cfg, Mapping) else vars(cfg)
        values = {name: found[name] for name in cls._fields if name in found}
        for name in cls._fields:
            value = values.get(name)
            may_lack = value is None and name in cls._field_defaults
            is_size = type(value) is int and 0 < value <= _LARGEST
            if not may_lack and not is_size:
                raise ValueError(f"a model whose {name} is {value!r}")
        return cls(**values)


class Distillable(Protocol):
    """A task that can be distilled.

    Attributes:
        is_restored: a checkpoint is evaluated, none is trained: no teacher is needed.
        student: the model that is about to be trained; None before there is one.
        model_shape: of the model that reads the task's data; None before there is one.
        unlabelled_data: folder of sentences that may stand beside training examples;
            None: there is none.
        keep_lm_head: the model that is trained keeps its masked-LM head.
    """

    is_restored: bool
    student: BaseFairseqModel | None
    model_shape: ModelShape | None
    unlabelled_data: str | None
    keep_lm_head: bool

    @property
    def source_dictionary(self) -> Dictionary:
        """Return the symbols of the input."""

    # --- models

    def add_heads(self, model: BaseFairseqModel) -> None:
        """Give a model, student or teacher, the heads that the task needs.

        Raises:
            ValueError: it cannot have them.
        """

    def check_head(self, model: BaseFairseqModel, name: str) -> None:
        """Refuse a model, called `name`, that cannot give the task's logits.

        Raises:
            ValueError: it lacks a head.
        """

    def label_names(self) -> list[str]:
        """Return what the heads of `add_heads` can say, in their order."""

    # --- batches

    def supervise(self, sample: Sample) -> Supervision:
        """Say where a batch has labels, and which."""

    def place_heads(self, sample: Sample) -> dict[str, Tensor]:
        """Say where the heads have something to say on a batch without labels.

        Returns:
            Head -> `(n,)` indices, as in `Supervision`.
        """

    def align(self, sample: Sample) -> Alignment:
        """Say what a batch has in common with the same examples in other subwords."""

    def open_teacher_data(
        self, data: str, shape: ModelShape, *, with_states: bool
    ) -> "Distillable":
        """Have batches hold the same examples as a teacher reads them, as `teacher`.

        Args:
            data: the benchmark, prepared with the teacher's tokenizer.
            shape: of the teacher.
            with_states: states are compared, not logits alone.
        Returns:
            The task that reads it.
        Raises:
            ValueError: they are not the same examples, or cannot be compared.
        """

    # --- what a cache on disk is about

    def describe_examples(self) -> dict[str, Any]:
        """Say, by option, what decides the training examples, in values of JSON."""

    def training_lengths(self) -> np.ndarray:
        """Return the lengths `(n,)` of the training examples in tokens."""
