"""What a teacher's cache makes of equation 2: bias and noise at equal bytes.

    python examples/mlkd/benchmark_cache.py CORPUS TEACHER STUDENT [--kept 16 64]

CORPUS is a folder of `mlkd-corpus`; TEACHER and STUDENT are checkpoints with masked-LM
heads. At the masked tokens of held-out sentences, three ways to keep a few of the
teacher's logits are compared with all of them, over many draws: the largest
(`--teacher-cache-top-k`), drawn ones (`--teacher-cache-sampled`), both through the
bytes that the cache writes, and draws with replacement as in arXiv 2503.16870, as many
as take the same bytes (5 a class: its number and a count; the other ways take 6).
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from functools import partial

import torch
from fairseq import utils
from torch import Tensor, nn

import fairseq_mlkd  # noqa: F401
from fairseq_mlkd.cli.command import make_parser, one_line_errors
from fairseq_mlkd.distillation.losses import output_losses
from fairseq_mlkd.distillation.model_file import ModelFile
from fairseq_mlkd.distillation.signals import SignalCodec, find_sequences
from fairseq_mlkd.files.markdown import align
from fairseq_mlkd.modules.states import Request
from fairseq_mlkd.tasks.multilingual_mlm import (
    MultilingualMLMConfig,
    MultilingualMLMTask,
)

LOGITS = "logits.lm_head"
Draws = Iterator[Tensor]  # logits `(n, classes)`, minus infinity where none is kept


def get_parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = make_parser("benchmark_cache.py", __doc__)
    parser.add_argument("corpus", metavar="CORPUS")
    parser.add_argument("teacher", metavar="TEACHER")
    parser.add_argument("student", metavar="STUDENT")
    parser.add_argument("--kept", nargs="+", type=int, default=[16, 64])
    parser.add_argument("--draws", type=int, default=30)
    parser.add_argument("--sentences", type=int, default=64)
    parser.add_argument("--dtype", default="float16", help="of the cache")
    parser.add_argument(
        "--sharpen", type=float, default=1.0, help="multiplies the teacher's logits"
    )
    return parser


class Bench:
    """A batch of held-out sentences, and what two models say at its masks."""

    def __init__(self, args: argparse.Namespace) -> None:
        cfg = MultilingualMLMConfig(data=args.corpus, seed=1, path=None)
        task = MultilingualMLMTask.setup_task(cfg)
        task.load_dataset("valid")
        dataset = task.datasets["valid"]
        rows = torch.linspace(0, len(dataset) - 1, args.sentences).long().tolist()
        sample = dataset.collater([dataset[i] for i in rows])
        heads, _ = task.supervise(sample)
        inputs = {**sample["net_input"], "heads": heads, "request": Request()}
        self.sequences = find_sequences(inputs, task.source_dictionary.pad())
        self.keys = [key.numpy().tobytes() for key in sample["keys"]]
        with torch.no_grad():
            logits = _load(task, args.teacher)(**inputs)[0]["lm_head"]
        self.teacher = args.sharpen * logits
        model = _load(task, args.student)
        self.student = model(**inputs)[0]["lm_head"]
        self.parameters = list(model.parameters())

    def gradient(self, teacher: Tensor) -> Tensor:
        """Return that of the mean of equation 2 by the student's parameters, flat."""
        target = torch.zeros(len(teacher), dtype=torch.long)
        loss, _, _ = output_losses(
            self.student, target, teacher, ce_weight=0.0, logits_weight=1.0
        )
        grads = torch.autograd.grad(
            loss / len(teacher), self.parameters, retain_graph=True, allow_unused=True
        )
        return torch.cat([g.flatten() for g in grads if g is not None])

    def through_the_cache(self, codec: SignalCodec, draws: int) -> Draws:
        """Yield what comes back of the teacher's logits, from other keys each time."""
        for i in range(draws):
            keys = [key + bytes([i]) for key in self.keys]
            signals = {LOGITS: self.teacher}
            blobs = codec.encode(signals, self.sequences, keys)
            yield codec.decode(blobs, signals, self.sequences, self.teacher)[LOGITS]

    def with_replacement(self, kept: int, draws: int) -> Draws:
        """Yield the logarithm of shares of draws that take as many bytes."""
        probs = self.teacher.softmax(-1)
        number = 1
        while _distinct(probs, number) < kept * 6 / 5:
            number += max(1, number // 10)
        gen = torch.Generator().manual_seed(1)
        for _ in range(draws):
            found = probs.multinomial(number, replacement=True, generator=gen)
            ones = torch.ones_like(found, dtype=probs.dtype)
            counts = torch.zeros_like(probs).scatter_add_(-1, found, ones)
            yield (counts / number).log()

    def measure(self, ways: Draws) -> list[float]:
        """Return bias and noise of target and gradient, relative to their size."""
        target = Errors(self.teacher.softmax(-1))
        gradient = Errors(self.gradient(self.teacher))
        for logits in ways:
            target.add(logits.softmax(-1))
            gradient.add(self.gradient(logits))
        return [*target.bias_and_noise(), *gradient.bias_and_noise()]


class Errors:
    """How far from `exact` something is that is measured again and again."""

    def __init__(self, exact: Tensor) -> None:
        self.exact, self.sum = exact, torch.zeros_like(exact)
        self.squares, self.count = 0.0, 0

    def add(self, found: Tensor) -> None:
        error = found - self.exact
        self.sum += error
        self.squares += float(error.square().sum())
        self.count += 1

    def bias_and_noise(self) -> tuple[float, float]:
        """Return them as shares of the norm of what is exact.

        The squared mean of n errors is too large by 1 / n of their variance, which is
        taken off.
        """
        squared = float((self.sum / self.count).square().sum())
        variance = (self.squares - self.count * squared) / max(self.count - 1, 1)
        variance = max(variance, 0.0)
        squared = max(squared - variance / self.count, 0.0)
        size = float(self.exact.square().sum())
        return math.sqrt(squared / size), math.sqrt(variance / size)


def _load(task: MultilingualMLMTask, path: str) -> nn.Module:
    model = ModelFile(path, "checkpoint", is_pretrained=True).load(task)
    task.check_head(model, path)
    return model.eval()


def _distinct(probs: Tensor, number: int) -> float:
    """Return how many classes so many draws with replacement find, on average."""
    return float((1 - (1 - probs) ** number).sum(-1).mean())


@one_line_errors("benchmark_cache.py")
def main(argv: list[str] | None = None) -> None:
    """Run the command."""
    args = get_parser().parse_args(argv)
    utils.set_torch_seed(1)
    bench = Bench(args)
    probs = bench.teacher.softmax(-1)
    entropy = -(probs * probs.clamp(min=1e-30).log()).sum(-1).mean()
    print(
        f"{len(probs)} masked tokens, {probs.size(-1):,} symbols, {args.draws} draws; "
        f"the teacher's entropy is {entropy:.2f} nats, its likeliest symbol has "
        f"{probs.max(-1).values.mean():.0%}\n"
    )
    rows = []
    for kept in args.kept:
        top_k = SignalCodec(args.dtype, kept)
        drawn = SignalCodec(args.dtype, 0, kept)
        ways: dict[str, Callable[[], Draws]] = {
            "largest": partial(bench.through_the_cache, top_k, 2),
            "drawn": partial(bench.through_the_cache, drawn, args.draws),
            "with replacement": partial(bench.with_replacement, kept, args.draws),
        }
        for name, way in ways.items():
            numbers = bench.measure(way())
            rows.append([name, str(6 * kept), *(f"{x:.2%}" for x in numbers)])
    head = ["kept", "bytes a label", "target bias", "noise", "gradient bias", "noise"]
    print(align([head, *rows]))


if __name__ == "__main__":
    main()
