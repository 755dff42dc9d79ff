"""fairseq's `--bf16` on GPUs and CPUs."""

import functools
import importlib.util
from typing import Any

from fairseq import options


def let_bf16_run_without_tpu() -> None:
    """Have the command line's `--bf16` mean a TPU only where torch_xla is installed.

    fairseq's parser adds `--tpu` to it, although training in bfloat16 needs none (and
    works without one through hydra).
    """
    parse = options.parse_args_and_arch

    @functools.wraps(parse)
    def parse_args_and_arch(*args: Any, **kwargs: Any) -> Any:
        parsed = parse(*args, **kwargs)
        given = parsed[0] if isinstance(parsed, tuple) else parsed
        if (
            getattr(given, "bf16", False)
            and importlib.util.find_spec("torch_xla") is None
        ):
            given.tpu = False
        return parsed

    options.parse_args_and_arch = parse_args_and_arch
