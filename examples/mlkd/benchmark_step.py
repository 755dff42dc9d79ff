"""Time and memory of one training step, beside the machine's matrix-product rate.

    python examples/mlkd/benchmark_step.py --threads 2

The floor of a step is its arithmetic (matrix products of the teacher's forward pass and
the student's forward and backward passes, logits at masked positions only) divided by
the rate that the machine reaches on a plain matrix product, measured right before the
step, in float32. Each way of training runs in a process of its own; their steps take
turns.
"""

import argparse
import multiprocessing
import os
import resource
import statistics
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable
from typing import Any

WAYS = (
    "masked_lm",
    "tinybert, weights 0",
    "tinybert",
    "tinybert, cached",
    "tinybert, bf16",
)


def main() -> None:
    args = parse_args()
    os.environ["OMP_NUM_THREADS"] = str(args.threads)
    # torch's own switch: large tensors on huge pages, which cost less to begin with
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    with tempfile.TemporaryDirectory() as folder:
        teacher = os.path.join(folder, "teacher.pt")
        context = multiprocessing.get_context("spawn")
        run_apart(context, save_teacher, args, teacher)
        workers = [Worker(context, way, args, teacher) for way in args.ways]
        print(
            f"{args.threads} threads, batch {args.batch_size} x {args.length}, "
            f"vocabulary {args.vocab:,}, {args.teacher} -> {args.student}, "
            f"{args.optimizer}"
        )
        for step in range(args.warmup + args.steps):
            for worker in workers:
                worker.step(counts=step >= args.warmup)
        for worker in workers:
            worker.stop()
            worker.report()


def parse_args() -> Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--teacher", default="mbert8")
    parser.add_argument("--student", default="lean_bert")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--length", type=int, default=64)
    parser.add_argument("--vocab", type=int, default=120_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--optimizer", default="fused_adamw")
    parser.add_argument("--teacher-cache-sampled", type=int, default=64)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    return parser.parse_args()


class Worker:
    """A process that holds one way of training and takes a step when told to."""

    def __init__(self, context: Any, way: str, args: Namespace, teacher: str) -> None:
        self.way = way
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(
            target=serve, args=(theirs, way, args, teacher), daemon=True
        )
        self.process.start()
        self.gflop = self.pipe.recv()
        self.rows: list[dict[str, float]] = []

    def step(self, *, counts: bool) -> None:
        self.pipe.send("step")
        row = self.pipe.recv()
        if counts:
            self.rows.append(row)
            print(f"  {self.way:20} {self.describe(row)}", flush=True)

    def stop(self) -> None:
        self.pipe.send(None)
        self.process.join()

    def describe(self, row: dict[str, float]) -> str:
        floor = self.gflop / row["rate"]
        return (
            f"{row['seconds']:6.2f} s   "
            f"floor {floor:5.2f} s "
            f"({self.gflop:.0f} GFLOP at {row['rate']:.0f} GFLOP/s)   "
            f"step / floor {row['seconds'] / floor:4.2f}   peak {row['peak']:.2f} GiB"
        )

    def report(self) -> None:
        ratios = [r["seconds"] * r["rate"] / self.gflop for r in self.rows]
        seconds = [r["seconds"] for r in self.rows]
        print(
            f"{self.way:22} median {statistics.median(seconds):.2f} s   step / floor "
            f"median {statistics.median(ratios):.2f}, min {min(ratios):.2f}, "
            f"max {max(ratios):.2f}   peak {self.rows[-1]['peak']:.2f} GiB"
        )


def run_apart(context: Any, function: Callable[..., None], *args: Any) -> None:
    process = context.Process(target=function, args=args)
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(process.exitcode)


def serve(pipe: Any, way: str, args: Namespace, teacher: str) -> None:
    import torch

    torch.set_num_threads(args.threads)
    step, gflop = build_step(way, args, teacher)
    pipe.send(gflop)
    while pipe.recv():
        rate = matrix_product_rate(torch)
        start = time.perf_counter()
        step()
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        pipe.send({"seconds": seconds, "rate": rate, "peak": peak})


def matrix_product_rate(torch: Any) -> float:
    """Measure the GFLOP/s of a 1024 x 768 by 768 x 3072 product, the best of a few."""
    a, b = torch.randn(1024, 768), torch.randn(768, 3072)
    best = float("inf")
    for _ in range(20):
        start = time.perf_counter()
        torch.mm(a, b)
        best = min(best, time.perf_counter() - start)
    return 2 * 1024 * 768 * 3072 / best / 1e9


def build_task(args: Namespace) -> Any:
    from fairseq.data import Dictionary

    from fairseq_mlkd.tasks.multilingual_mlm import (
        MultilingualMLMConfig,
        MultilingualMLMTask,
    )

    dictionary = Dictionary()
    for i in range(args.vocab - dictionary.nspecial - 1):
        dictionary.add_symbol(f"w{i}")
    task = MultilingualMLMTask(
        MultilingualMLMConfig(data="", seed=1, path=None), dictionary
    )
    # the one batch there is stands for the data
    task.describe_examples = dict
    task.datasets["train"] = Namespace(sizes=[args.length])
    return task


def build_config(arch: str) -> Any:
    from fairseq.models import ARCH_CONFIG_REGISTRY

    from fairseq_mlkd.models.multilingual_encoder import MultilingualEncoderConfig

    shape = Namespace()
    ARCH_CONFIG_REGISTRY[arch](shape)
    return MultilingualEncoderConfig(_name=arch, **vars(shape))


def build_model(task: Any, arch: str) -> Any:
    from omegaconf import OmegaConf

    return task.build_model(OmegaConf.structured(build_config(arch)))


def save_teacher(args: Namespace, path: str) -> None:
    import torch

    from fairseq_mlkd.convert.state import build_state

    task = build_task(args)
    weights = build_model(task, args.teacher).state_dict()
    cfg = vars(build_config(args.teacher))
    torch.save(build_state(cfg, weights, task.source_dictionary.symbols), path)


def build_step(way: str, args: Namespace, teacher: str) -> Any:
    import torch

    import fairseq_mlkd  # noqa: F401

    torch.manual_seed(1)
    task = build_task(args)
    model = build_model(task, args.student)
    criterion = build_criterion(way, task, teacher, args)
    is_half = way.endswith("bf16")
    if is_half:
        model, criterion = model.bfloat16(), criterion.bfloat16()
    parameters = [*model.parameters(), *criterion.parameters()]
    optimizer = build_optimizer(args.optimizer, parameters, is_half=is_half)
    sample = build_sample(task, args)
    size = int(sample["target"].ne(task.dictionary.pad()).sum())

    def step() -> None:
        model.train()
        criterion.train()
        loss, sample_size, _ = criterion(model, sample)
        optimizer.backward(loss)
        optimizer.multiply_grads(1 / sample_size)
        optimizer.clip_grad_norm(1.0)
        optimizer.step()
        optimizer.zero_grad()

    flop = 3 * forward_flop(model, sample, size)
    if way == "tinybert" or is_half:
        flop += forward_flop(criterion.distiller.teacher.model, sample, size)
    return step, flop / 1e9


def build_criterion(way: str, task: Any, teacher: str, args: Namespace) -> Any:
    from fairseq.criterions.masked_lm import MaskedLmConfig, MaskedLmLoss

    from fairseq_mlkd.criterions.tinybert import (
        TinyBertCriterion,
        TinyBertCriterionConfig,
    )

    if way == "masked_lm":
        return MaskedLmLoss(MaskedLmConfig(tpu=False), task)
    weight = 0.0 if way.endswith("0") else 1.0
    names = ("logits", "embedding", "hidden", "attention")
    weights = {f"{name}_weight": weight for name in names}
    cfg = TinyBertCriterionConfig(teacher_path=teacher, **weights)
    if way.endswith("cached"):
        # the first step, which is no part of the result, fills it
        cfg.teacher_cache = f"{teacher}.cache"
        cfg.teacher_cache_sampled = args.teacher_cache_sampled
    return TinyBertCriterion(cfg, task)


def build_optimizer(name: str, parameters: list[Any], *, is_half: bool) -> Any:
    from fairseq.dataclass.configs import FairseqConfig
    from fairseq.optim import build_optimizer
    from fairseq.optim.fp16_optimizer import FP16Optimizer
    from fairseq.registry import REGISTRIES
    from omegaconf import OmegaConf

    cfg = REGISTRIES["optimizer"]["dataclass_registry"][name](_name=name, lr=[1e-4])
    if hasattr(cfg, "tpu"):
        cfg.tpu = False
    if not is_half:
        return build_optimizer(OmegaConf.structured(cfg), parameters)
    whole = OmegaConf.structured(FairseqConfig(optimizer=cfg))
    whole.common.bf16 = True
    return FP16Optimizer.build_optimizer(whole, parameters)


def build_sample(task: Any, args: Namespace) -> dict[str, Any]:
    import torch

    shape = (args.batch_size, args.length)
    tokens = torch.randint(task.dictionary.nspecial, args.vocab - 1, shape)
    masked = torch.rand(shape).argsort().argsort() < round(0.15 * args.length)
    return {
        "target": tokens.where(masked, torch.tensor(task.dictionary.pad())),
        "net_input": {"src_tokens": tokens.masked_fill(masked, task.mask_idx)},
        "keys": torch.arange(args.batch_size).unsqueeze(1),
        "ntokens": tokens.numel(),
        "nsentences": args.batch_size,
    }


def forward_flop(model: Any, sample: dict[str, Any], masked: int) -> float:
    """Count multiplications and additions of the matrix products of a forward pass."""
    tokens = sample["target"].numel()
    length = sample["target"].size(1)
    dim = model.cfg.encoder_embed_dim
    layers = sum(p.numel() for p in model.encoder.layers.parameters() if p.dim() > 1)
    attention = 2 * tokens * length * dim * model.cfg.encoder_layers
    head = masked * dim * (model.lm_head.bias.size(0) + dim)
    return 2.0 * (tokens * layers + attention + head)


if __name__ == "__main__":
    main()
