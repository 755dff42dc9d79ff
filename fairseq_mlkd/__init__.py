"""Multilingual knowledge distillation for fairseq: `--user-dir fairseq_mlkd`."""

from fairseq_mlkd import criterions, models, optim, scoring, tasks
from fairseq_mlkd.checkpoint import make_loading_safe, make_saving_atomic
from fairseq_mlkd.precision import let_bf16_run_without_tpu

__all__ = ["criterions", "models", "optim", "scoring", "tasks"]
__version__ = "0.1.0"

make_loading_safe()
make_saving_atomic()
let_bf16_run_without_tpu()
