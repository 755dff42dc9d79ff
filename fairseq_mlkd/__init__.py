"""Multilingual knowledge distillation for fairseq: `--user-dir fairseq_mlkd`."""

from fairseq_mlkd import criterions, models, optim, scoring, tasks
from fairseq_mlkd.checkpoint import make_loading_safe

__all__ = ["criterions", "models", "optim", "scoring", "tasks"]
__version__ = "0.1.0"

make_loading_safe()
