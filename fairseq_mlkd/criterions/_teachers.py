"""Which teacher a criterion's flags name: one that runs, or what it said on disk."""

from fairseq.dataclass import FairseqDataclass
from fairseq.tasks import FairseqTask

from fairseq_mlkd.distillation.cached_teacher import (
    CachedTeacher,
    open_cached_teacher,
)
from fairseq_mlkd.distillation.signals import SignalCodec
from fairseq_mlkd.distillation.teacher import Teacher, load_teacher

AnyTeacher = Teacher | CachedTeacher


def open_teacher(cfg: FairseqDataclass, task: FairseqTask) -> AnyTeacher:
    """Load `--teacher-path`, or open `--teacher-cache` in its place.

    Raises:
        ValueError: no teacher, or one that does not fit.
    """

    def load() -> Teacher:
        if cfg.teacher_path is None:
            raise ValueError("the tinybert criterion needs --teacher-path")
        teacher = load_teacher(cfg.teacher_path, task)
        if cfg.logits_weight:
            task.check_head(teacher.model, f"--teacher-path {cfg.teacher_path}")
        return teacher

    top_k = cfg.teacher_cache_top_k
    if top_k < 0:
        raise ValueError(f"--teacher-cache-top-k {top_k} is below 0")
    if cfg.teacher_cache is None:
        return load()
    codec = SignalCodec(str(cfg.teacher_cache_dtype), top_k)
    return open_cached_teacher(cfg.teacher_cache, task, codec, cfg.teacher_path, load)
