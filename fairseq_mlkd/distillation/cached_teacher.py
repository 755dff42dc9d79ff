"""A teacher that need not run: what it would say is read from disk."""

import logging
import os
from argparse import Namespace
from collections import Counter
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from fairseq.logging import metrics
from fairseq.tasks import FairseqTask
from torch import Tensor

from fairseq_mlkd.distillation.signals import (
    Layout,
    Sequences,
    SignalCodec,
    find_sequences,
    flatten,
    measure,
    name_signals,
    unflatten,
)
from fairseq_mlkd.distillation.teacher import Teacher
from fairseq_mlkd.distillation.teacher_cache import TeacherCache
from fairseq_mlkd.files.hashing import file_sha256

logger = logging.getLogger(__name__)

_SHAPE, _LAYOUT = "shape of the teacher", "layout"


class CachedTeacher:
    """Takes the place of a `Teacher`, which is loaded only where it has to run.

    A batch of which a sequence is missing is run as a whole, and what is missing is
    added. The loss always gets what is on disk, rounded, so that a run that fills the
    cache, one that is killed and resumes, and one that only reads are the same.

    Args:
        cache: the file.
        codec: what of the signals it holds.
        load: loads the live teacher.
        padding_idx: of the inputs.
        source_lengths: gives the lengths of the training data, `(n,)`, once there are
            any, to tell what they will take on disk.
    """

    def __init__(
        self,
        cache: TeacherCache,
        codec: SignalCodec,
        load: Callable[[], Teacher],
        *,
        padding_idx: int,
        source_lengths: Callable[[], np.ndarray],
    ) -> None:
        self.cache, self.codec, self._load = cache, codec, load
        self.padding_idx, self.source_lengths = padding_idx, source_lengths
        shape = cache.recall(_SHAPE)
        if shape is None:
            numbers = dict(self.live.cfg).items()
            shape = {name: n for name, n in numbers if isinstance(n, int)}
            cache.remember({_SHAPE: shape})
        self.cfg = Namespace(**shape)
        self.layout: dict[str, Any] = {}
        logger.info(
            "teacher cache %s holds %s sequences", cache.folder, f"{len(cache):,}"
        )

    def check_signals(self, requests: dict[str, list[int]], *, logits: bool) -> None:
        """Refuse a cache of other signals than this run asks for."""
        self.cache.check({"choice of signals": {"logits": logits, **requests}})

    def __deepcopy__(self, memo: dict[int, Any]) -> "CachedTeacher":
        return self

    @cached_property
    def live(self) -> Teacher:
        return self._load()

    def run(
        self, like: Tensor, keys: Tensor | None, **inputs: Any
    ) -> tuple[Any, dict[str, Any]]:
        """As `Teacher.run`; without `keys` `(bsz, parts)` the teacher runs live."""
        if keys is None:
            return self.live.run(like, None, **inputs)
        sequences = find_sequences(inputs, self.padding_idx)
        features_only = inputs["features_only"]
        names = name_signals(inputs, sequences, features_only=features_only)
        packed = [key.tobytes() for key in keys.cpu().numpy().astype(">i8")]
        found = self.cache.get(packed)
        share = 100.0 * sum(key in found for key in packed) / len(packed)
        metrics.log_scalar("teacher_cache_hits", share, len(packed), round=1)
        if len(found) < len(set(packed)):
            signals = flatten(names, *self.live.run(like, None, **inputs))
            self._learn_layout(signals, sequences)
            self.cache.add(packed, self.codec.encode(signals, sequences))
            found = self.cache.get(packed)
        layout = self._find_layout(names)
        blobs = [found[key] for key in packed]
        self._check_sizes(blobs, layout, sequences)
        return unflatten(self.codec.decode(blobs, layout, sequences, like))

    def _learn_layout(self, signals: dict[str, Tensor], sequences: Sequences) -> None:
        layout = measure(signals)
        if any(name not in self.layout for name in layout):
            self._announce(layout, sequences)
        facts = {f"{_LAYOUT} of {name}": list(axes) for name, axes in layout.items()}
        self.cache.check(facts)

    def _announce(self, layout: Layout, sequences: Sequences) -> None:
        """Say what the cache will take, before anything is written."""
        lengths = self.source_lengths()
        size = self.codec.bytes_per_token(layout, sequences, lengths)
        kinds = Counter(name.split(".")[0] for name in layout)
        logger.info(
            "teacher cache %s: about %s MB per million tokens (%s; %s; sentences of "
            "%.1f tokens on average), %s MB for one pass over the %s training examples",
            self.cache.folder,
            f"{size:,.0f}",
            self.codec.describe(),
            ", ".join(f"{n} {kind}" for kind, n in kinds.items()),
            lengths.mean(),
            f"{size * lengths.sum() / 1e6:,.1f}",
            f"{len(lengths):,}",
        )

    def _find_layout(self, names: list[str]) -> Layout:
        for name in names:
            if name not in self.layout:
                axes = self.cache.recall(f"{_LAYOUT} of {name}")
                if axes is None:
                    raise ValueError(f"{self._where}: it lacks the teacher's {name}")
                self.layout[name] = tuple(axes)
        return {name: self.layout[name] for name in names}

    def _check_sizes(
        self, blobs: list[bytes], layout: Layout, sequences: Sequences
    ) -> None:
        sizes = zip(blobs, self.codec.sizes(layout, sequences))
        wrong = next(((b, size) for b, size in sizes if len(b) != size), None)
        if wrong is not None:
            raise ValueError(
                f"{self._where}: a sequence has {len(wrong[0])} bytes of signals where "
                f"this run needs {wrong[1]}"
            )

    @property
    def _where(self) -> str:
        return f"--teacher-cache {self.cache.folder}"


def open_cached_teacher(
    folder: str,
    task: FairseqTask,
    codec: SignalCodec,
    teacher_path: str | None,
    load: Callable[[], Teacher],
) -> CachedTeacher:
    """Open or make the cache of a teacher's signals on the examples of `task`.

    The teacher's file is compared where it is at hand; once all signals are there, it
    need not be.

    Args:
        folder: of `--teacher-cache`.
        task: the student's.
        codec: how signals are kept.
        teacher_path: of `--teacher-path`.
        load: loads that teacher.
    Raises:
        ValueError: the cache is damaged, or of another teacher, data or kind.
    """
    cache = TeacherCache(folder)
    facts = {
        "--teacher-cache-dtype": str(codec.dtype)[6:],
        "--teacher-cache-top-k": codec.top_k,
        **task.describe_examples(),
    }
    if teacher_path is not None and os.path.isfile(teacher_path):
        facts["teacher"] = file_sha256(teacher_path)
    cache.check(facts)
    return CachedTeacher(
        cache,
        codec,
        load,
        padding_idx=task.source_dictionary.pad(),
        source_lengths=lambda: np.asarray(task.datasets["train"].sizes),
    )
