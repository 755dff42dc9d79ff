"""A teacher that need not run: what it would say is read from disk."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from fairseq.logging import metrics
from torch import Tensor

from fairseq_mlkd.distillation.contract import Distillable, ModelShape
from fairseq_mlkd.distillation.signals import (
    Sequences,
    SignalCodec,
    find_sequences,
    flatten,
    name_signals,
    unflatten,
)
from fairseq_mlkd.distillation.teacher import Teacher
from fairseq_mlkd.distillation.teacher_cache import TeacherCache
from fairseq_mlkd.modules.states import Request
from fairseq_mlkd.remedies import OTHER_FOLDER

logger = logging.getLogger(__name__)

_SHAPE = "shape of the teacher"


class CachedTeacher:
    """Takes the place of a `Teacher`, which is loaded only where it has to run.

    A batch of which a sequence is missing is run as a whole, and what is missing is
    added. The loss always gets what is on disk, rounded, so that a run that fills the
    cache, one that is killed and resumes, and one that only reads are the same.

    Args:
        cache: the file.
        codec: what of the signals it holds.
        load: loads the live teacher.
        task: reads the teacher's data; its training examples tell what they will take
            on disk.
        facts: what the signals depend on, as in `TeacherCache.check`.
    Raises:
        ValueError: the cache is damaged, or of something else.
    """

    def __init__(
        self,
        cache: TeacherCache,
        codec: SignalCodec,
        load: Callable[[], Teacher],
        task: Distillable,
        facts: Mapping[str, Any],
    ) -> None:
        self.cache, self.codec, self._load = cache, codec, load
        self.task, self.padding_idx = task, task.source_dictionary.pad()
        shape = recall_shape(cache)
        if shape is None:
            # a teacher that does not fit is refused before the cache knows of it
            shape = self.live.shape
            facts = {**facts, _SHAPE: shape._asdict()}
        cache.check(facts)
        self.shape = shape
        self.announced: set[str] = set()  # the signals whose size has been told
        logger.info(
            "teacher cache %s holds %s sequences", cache.folder, f"{len(cache):,}"
        )

    def check_signals(self, request: Request, *, logits: bool) -> None:
        """Refuse a cache of other signals than this run asks for."""
        asked = {name: list(i) for name, i in request._asdict().items() if i}
        self.cache.check({"choice of signals": {"logits": logits, **asked}})

    def __deepcopy__(self, memo: dict[int, Any]) -> "CachedTeacher":
        return self

    @cached_property
    def live(self) -> Teacher:
        return self._load()

    def run(
        self, like: Tensor, keys: Tensor | None, **inputs: Any
    ) -> tuple[Any, dict[str, Any]]:
        """Do as `Teacher.run`; without `keys` `(bsz, parts)` the teacher runs live."""
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
            self._announce(signals, sequences)
            records = self.codec.encode(signals, sequences, packed)
            self.cache.add(packed, records)
            found = self.cache.get(packed)
        blobs = [found[key] for key in packed]
        try:
            return unflatten(self.codec.decode(blobs, names, sequences, like))
        except ValueError as error:
            raise ValueError(
                f"--teacher-cache {self.cache.folder}: {error}: delete it, or "
                f"{OTHER_FOLDER}"
            ) from None

    def _announce(self, signals: dict[str, Tensor], sequences: Sequences) -> None:
        """Say what the cache will take, before anything of this kind is written."""
        if signals.keys() <= self.announced:
            return
        lengths = self.task.training_lengths()
        if not len(lengths):  # projections are fitted before data are loaded
            return
        self.announced |= signals.keys()
        size = self.codec.bytes_per_token(signals, sequences, lengths)
        kinds = Counter(name.split(".")[0] for name in signals)
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


def recall_shape(cache: TeacherCache) -> ModelShape | None:
    """Return the shape of the teacher that filled a cache; None: nobody has yet.

    Raises:
        ValueError: the cache says something else in its place.
    """
    shape = cache.recall(_SHAPE)
    try:
        return None if shape is None else ModelShape.of(dict(shape))
    except (TypeError, ValueError):
        raise ValueError(
            f"--teacher-cache {cache.folder} does not tell the {_SHAPE}: delete it, or "
            f"{OTHER_FOLDER}"
        ) from None
