"""Multilingual knowledge distillation for fairseq: `--user-dir fairseq_mlkd`."""

from fairseq_mlkd import criterions, fairseq_fixes, models, optim, scoring, tasks
from fairseq_mlkd.loading import load

__all__ = ["criterions", "load", "models", "optim", "scoring", "tasks"]
__version__ = "0.1.0"

fairseq_fixes.apply_all()
