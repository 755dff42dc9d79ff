"""One fine-tuned model by every engine: do they agree, language by language?

    python examples/mlkd/compare_engines.py checkpoints/wikiann/checkpoint_best.pt OUT

OUT is what `mlkd-export --onnx --int8` wrote of the checkpoint; where there is none, it
is written first. Each engine answers the test rows of all languages (dev rows of those
without): our model in fairseq, `transformers`, ONNX Runtime in float32 and in int8. The
table says the task's metric by each, and how many of its labels are fairseq's; of int8,
how many are ONNX's in float32.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

import fairseq_mlkd
from fairseq_mlkd import Predictor
from fairseq_mlkd.cli.command import one_line_errors
from fairseq_mlkd.cli.export import main as export
from fairseq_mlkd.convert.gate import DevSet, agree, read_dev_sets, score
from fairseq_mlkd.convert.trained import read_trained
from fairseq_mlkd.files.markdown import align
from fairseq_mlkd.serve.engine import Arrays, Engine, Parsing
from fairseq_mlkd.serve.folder import Facts

NAMES = ("fairseq", "transformers", "onnx", "int8")
# whose labels each engine's are compared with
TRUSTED = {"transformers": "fairseq", "onnx": "fairseq", "int8": "onnx"}
Answers = list[dict[str, Any]]


class TensorEngine(Engine):
    """An engine on PyTorch, which computes heads and no parses."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts

    def tensors(self, batch: Arrays) -> dict[str, torch.Tensor]:
        """Return what the model reads; segments only where it was trained with them."""
        names = ["input_ids", "attention_mask"]
        if self.facts.encoder["num_segments"]:
            names.append("token_type_ids")
        return {name: torch.from_numpy(batch[name]) for name in names}

    def parse(self, batch: Arrays, word_starts: np.ndarray, beams: int) -> Parsing:
        raise NotImplementedError


class FairseqEngine(TensorEngine):
    """The model as fairseq's commands load it."""

    def __init__(self, facts: Facts, checkpoint: Path, data: Path) -> None:
        super().__init__(facts)
        self.model, _ = fairseq_mlkd.load(checkpoint, str(data))

    @torch.inference_mode()
    def run(self, batch: Arrays) -> dict[str, np.ndarray]:
        given = self.tensors(batch)
        rows, length = given["input_ids"].shape
        first, every = torch.arange(rows) * length, torch.arange(rows * length)
        heads = {x.name: first if x.pooled else every for x in self.facts.heads}
        segments = given.get("token_type_ids")
        logits, _ = self.model(given["input_ids"], segments=segments, heads=heads)
        return {
            x.name: logits[x.name].view(rows, *[length] * (not x.pooled), -1).numpy()
            for x in self.facts.heads
        }


class TransformersEngine(TensorEngine):
    """The exported folder as `transformers` loads it."""

    def __init__(self, facts: Facts, folder: Path) -> None:
        super().__init__(facts)
        sys.modules.setdefault("torchaudio", None)  # type: ignore[arg-type]
        import transformers

        self.models = {}
        for head in facts.heads:
            kind = "Sequence" if head.pooled else "Token"
            auto = getattr(transformers, f"AutoModelFor{kind}Classification")
            subfolder = head.name if len(facts.heads) > 1 else ""
            self.models[head.name] = auto.from_pretrained(folder, subfolder=subfolder)

    @torch.inference_mode()
    def run(self, batch: Arrays) -> dict[str, np.ndarray]:
        given = self.tensors(batch)
        found = {name: model(**given) for name, model in self.models.items()}
        return {name: output.logits.numpy() for name, output in found.items()}


def answer(
    predictors: Mapping[str, Predictor], dev: DevSet
) -> tuple[dict[str, Answers], dict[str, float]]:
    """Return the answers of each engine, and its seconds."""
    answers, seconds = {}, {}
    for name, predictor in predictors.items():
        start = time.perf_counter()
        answers[name] = predictor.answer(dev.questions)
        seconds[name] = time.perf_counter() - start
    return answers, seconds


def compare(predictors: Mapping[str, Predictor], sets: Mapping[str, DevSet]) -> str:
    """Return a Markdown table: languages, then the means of all but the source's."""
    facts = next(iter(predictors.values())).facts
    head = ["language", "subset", "rows", *predictors]
    pairs = [(x, y) for x, y in TRUSTED.items() if {x, y} <= predictors.keys()]
    head += [f"{judged} = {trusted} %" for judged, trusted in pairs]
    rows, numbers = [head], []
    for lang, dev in sets.items():
        answers, seconds = answer(predictors, dev)
        found = [score(facts, dev.gold, answers[name]) for name in predictors]
        found += [agree(answers[trusted], answers[x]) for x, trusted in pairs]
        rows.append([lang, dev.subset, str(len(dev.questions)), *map(spell, found)])
        if lang != facts.source_lang:
            numbers.append(found)
        told = ", ".join(f"{name} {s:.0f} s" for name, s in seconds.items())
        row = " | ".join(rows[-1])  # the table comes at the end, hours later
        print(f"{row}: {told}", file=sys.stderr, flush=True)
    if numbers:
        means = np.mean(numbers, axis=0)
        rows.append(["zero-shot mean", "", "", *map(spell, means)])
    return align(rows)


def spell(number: float) -> str:
    return f"{number:.2f}"


@one_line_errors("compare_engines.py")
def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("checkpoint", type=Path, help="of a classifier, tagger, or intents and slots")
    add("folder", type=Path, help="its export; written where there is none")
    add("--data", type=Path, help="default: the data that the checkpoint names")
    add("--rows", type=int, default=sys.maxsize, help="the most of each language")
    add("--engines", nargs="+", choices=NAMES, default=NAMES)
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    given = ["--data", str(args.data)] if args.data else []
    if not args.folder.exists():
        export([str(args.checkpoint), str(args.folder), "--onnx", "--int8", *given])
    trained = read_trained(args.checkpoint, data=args.data)
    facts = trained.facts
    if not facts.heads:
        raise ValueError(f"{args.checkpoint}: a model of {facts.task} has no classes")
    opened: dict[str, Any] = {
        "fairseq": lambda: FairseqEngine(facts, args.checkpoint, trained.data),
        "transformers": lambda: TransformersEngine(facts, args.folder),
        "onnx": lambda: "onnx",
        "int8": lambda: "int8",
    }
    predictors = {
        name: Predictor(args.folder, engine=opened[name]()) for name in args.engines
    }
    print(compare(predictors, read_dev_sets(trained, args.rows, ("test", "valid"))))


if __name__ == "__main__":
    main()
