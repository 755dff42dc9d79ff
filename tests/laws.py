"""What the laws of distillation are tested with: every task in miniature, and slow
references that see one sentence at a time, so without padding, in float64.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from tiny import (
    STUDENT,
    TEACHER,
    WEIGHTS,
    build_criterion,
    build_model,
    make_task,
    save_model,
    write_mlm_data,
    write_pairs,
    write_tagged,
)
from tiny_parses import write_parses
from torch import Tensor, nn

from fairseq_mlkd.criterions.tinybert import TinyBertCriterion
from fairseq_mlkd.modules.states import Request

Pairs = Sequence[tuple[int, int]]  # (student, teacher)
Outputs = dict[str, Any]

RANKS = (5, 0, 2)  # of a batch's sentences among all, shortest first
COUNTS = {"train.en": 12, "valid.en": 3}
PARSING = "zero_shot_parsing"
TASKS = (
    "multilingual_mlm",
    "zero_shot_classification",
    "zero_shot_tagging",
    "zero_shot_intent_slot",
    PARSING,
)


class Depths(NamedTuple):
    """A layer map, and what it means for a student of 2 layers and 2 of its decoder."""

    options: dict[str, str]
    layers: int  # of the teacher
    hidden: Pairs
    attention: Pairs
    decoder_layers: int  # of the teacher
    decoder: Pairs  # layers from 1
    own_decoder_layers: int = 2


def _both(spec: str) -> dict[str, str]:
    return {"layer_map": spec, "decoder_layer_map": spec}


_DEEP = [(1, 1), (2, 3)]  # 3 decoder layers to 2
LAYER_MAPS = {
    "uniform": Depths({}, 4, [(1, 2), (2, 4)], [(0, 1), (1, 3)], 2, [(1, 1), (2, 2)]),
    "not dividing": Depths({}, 5, [(1, 2), (2, 5)], [(0, 1), (1, 4)], 3, _DEEP),
    "last": Depths(
        *(_both("last"), 4, [(1, 3), (2, 4)], [(0, 2), (1, 3)]), 3, [(1, 2), (2, 3)]
    ),
    "last-1": Depths(_both("last-1"), 4, [(2, 4)], [(1, 3)], 3, [(2, 3)]),
    "list": Depths(
        {"layer_map": "3,1", "decoder_layer_map": "2,2"},
        *(5, [(1, 3), (2, 1)], [(0, 2), (1, 0)], 3, [(1, 2), (2, 2)]),
    ),
    "attention apart": Depths(
        {"attention_map": "last-1"}, 4, [(1, 2), (2, 4)], [(1, 3)], 2, [(1, 1), (2, 2)]
    ),
}
# name -> the option, and the heads of teachers
HEAD_MAPS = {
    "one to one": ("auto", 2),
    **{kind: (kind, 4) for kind in ("auto", "mean")},
    "linear": ("linear", 2),
    **{kind: (kind, 4) for kind in ("relation", "none")},
}
INNER = ("embedding", "hidden", "attention")


def write_data(name: str, folder: Path, seed: int = 1) -> Path:
    if name == "multilingual_mlm":
        return write_mlm_data(folder, {"en": 12}, seed=seed)
    if name == PARSING:
        return write_parses(folder, COUNTS)
    write = write_pairs if name == "zero_shot_classification" else write_tagged
    return write(folder, COUNTS, seed=seed)


def teacher_shape(layers: int, heads: int) -> dict[str, int]:
    return {**TEACHER, "layers": layers, "attention_heads": heads}


class World:
    """One task's data, and its teachers by shape, saved and in memory."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        self.data = write_data(name, folder / "data")
        self.teachers: dict[tuple[int, ...], tuple[nn.Module, str]] = {}

    def task(self, **options: Any) -> Any:
        if self.name != "multilingual_mlm":
            options = {"train_embeddings": True, **options}
        return make_task(self.name, self.data, **options)

    def model(self, task: Any, shape: dict[str, int], decoder_layers: int) -> Any:
        torch.manual_seed(sum(shape.values()))
        options = {"init_std": 0.3, "max_positions": 64}
        if self.name == PARSING:
            options.update(_name="pointer_generator", decoder_ffn_embed_dim=8)
            options.update(decoder_layers=decoder_layers, max_target_positions=64)
        return build_model(task, shape, **options).eval()

    def teacher(self, layers: int, heads: int, decoder: int) -> tuple[nn.Module, str]:
        key = (layers, heads, decoder)
        if key not in self.teachers:
            task = self.task()
            model = self.model(task, teacher_shape(layers, heads), decoder)
            path = self.folder / f"{layers}-{heads}-{decoder}.pt"
            save_model(path, model, task)
            self.teachers[key] = model.double(), str(path)
        return self.teachers[key]

    def student(self, task: Any, decoder_layers: int) -> Any:
        return self.model(task, STUDENT, decoder_layers).double()


class Case:
    """A student with its teacher, and a batch with its sentences."""

    def __init__(self, world: World, head_map: str, depths: Depths) -> None:
        self.heads, teacher_heads = HEAD_MAPS[head_map]
        self.depths = depths
        self.has_decoder = world.name == PARSING
        self.teacher, self.path = world.teacher(
            depths.layers, teacher_heads, depths.decoder_layers
        )
        self.task = world.task()
        self.student = world.student(self.task, depths.own_decoder_layers)
        self.task.load_dataset("train")
        self.dataset = self.task.datasets["train"]
        order = np.argsort(self.dataset.sizes, kind="stable")
        rows, self.longest = order[[*RANKS]], [order[-1]]
        self.items = [self.dataset[i] for i in rows]
        self.sample = self.dataset.collater(self.items)
        self.options = {"head_map": self.heads, **self.depths.options}

    @cached_property
    def whole(self) -> TinyBertCriterion:
        """The criterion with all terms."""
        return self.criterion(**all_weights())

    def criterion(self, **options: Any) -> TinyBertCriterion:
        """In float64; what a parameter begins with depends on its name alone."""
        options = {"teacher_path": self.path, **self.options, **options}
        criterion = build_criterion(self.task, **options).double()
        for name, parameter in criterion.named_parameters():
            torch.default_generator.manual_seed(len(name))
            parameter.data.normal_()
        return criterion

    def pad(self) -> dict[str, Any]:
        """Return the batch beside longer examples, which are then taken away."""
        longer = [self.dataset[i] for i in self.longest]
        return {
            **drop_last(self.dataset.collater([*self.items, *longer])),
            "ntokens": 0,
        }

    def learn(self, criterion: TinyBertCriterion, sizes: Sequence[int]) -> list[Tensor]:
        """Return all terms, then all gradients, added up over a batch that is cut.

        Args:
            sizes: sentences of each part.
        """
        params = [*self.student.parameters(), *criterion.parameters()]
        found: list[Tensor] = []
        for start, size in zip(np.cumsum([0, *sizes]), sizes):
            items = self.items[start : start + size]
            loss, labels, log = criterion(self.student, self.dataset.collater(items))
            grads = torch.autograd.grad(loss, params, allow_unused=True)
            terms = [log[name] for name in sorted(log) if name.endswith("loss")]
            grads = [
                torch.zeros_like(p) if g is None else g for p, g in zip(params, grads)
            ]
            part = [torch.tensor(labels), *terms, *grads]
            found = part if not found else [a + b for a, b in zip(found, part)]
        return found

    def slow_terms(self, criterion: TinyBertCriterion) -> dict[str, Tensor]:
        """All terms from the formulas, one sentence at a time; they have gradients."""
        singles = [self.dataset.collater([item]) for item in self.items]
        runs = [self.run_alone(sample) for sample in singles]
        terms = slow_outputs(self.task, singles, runs, criterion.cfg.temperature)
        for sample, run in zip(singles, runs):
            targets = self.task.supervise(sample).targets.values()
            labels = sum(int(target.ge(0).sum()) for target in targets)
            for name, value in self._slow_inner(criterion, [run]).items():
                terms[name] = terms.get(name, 0.0) + labels * value
        return terms

    def run_alone(self, sample: dict[str, Any]) -> list[Outputs]:
        """Return what student and teacher make of one sentence."""
        return [run_alone(self.task, m, sample) for m in (self.student, self.teacher)]

    def _slow_inner(
        self, criterion: TinyBertCriterion, runs: list[list[Outputs]]
    ) -> dict[str, Tensor]:
        parts = [("", self.depths.hidden, self.depths.attention)]
        if self.has_decoder:
            pairs = self.depths.decoder
            parts.append(("decoder_", pairs, [(i - 1, j - 1) for i, j in pairs]))
        found, learned = {}, criterion.distiller.inner_losses.terms
        for prefix, hidden, attention in parts:
            kinds = {f"{prefix}attention": attention}
            if prefix:
                kinds["cross_attention"] = attention
            for name, pairs in (("embedding", [(0, 0)]), ("hidden", hidden)):
                if not getattr(criterion.cfg, f"{name}_weight"):
                    continue
                name = f"{prefix}{name}_loss"
                states = f"{prefix}hidden_states"
                found[name] = slow_states(learned[name], states, pairs, runs)
            if self.heads == "none" or not criterion.cfg.attention_weight:
                continue
            for name, pairs in kinds.items():
                if self.heads == "relation":
                    found[f"{name}_loss"] = slow_relations(name, pairs, runs)
                else:
                    head_map = learned[f"{name}_loss"].head_map
                    found[f"{name}_loss"] = slow_scores(head_map, name, pairs, runs)
        return found


def drop_last(batch: Any) -> Any:
    """Return a batch without its last sentences, and as long as it was with them."""
    if isinstance(batch, dict):
        return {key: drop_last(value) for key, value in batch.items()}
    return batch[: len(RANKS)] if isinstance(batch, Tensor) else batch


def all_weights(**given: float) -> dict[str, float]:
    values = dict(zip(WEIGHTS, (0.5, 2.0, 0.3, 0.7, 1.5)))
    return {f"{k}_weight": given.get(k, v) for k, v in values.items()}


def term_weight(name: str, weights: dict[str, float]) -> float:
    """`decoder_hidden_loss` has the weight of `hidden`, `nll_loss` that of `ce`."""
    kind = {"nll": "ce"}.get(name.split("_")[-2], name.split("_")[-2])
    return weights[f"{kind}_weight"]


# --- one sentence, everything that the models hand out


def run_alone(task: Any, model: nn.Module, sample: dict[str, Any]) -> Outputs:
    """Logits by head at the labels, and all states, without the batch's length."""
    layers = range(model.cfg.encoder_layers)
    asked = {"hidden_states": range(len(layers) + 1)}
    asked.update(attention_scores=layers, attention_vectors=layers)
    if hasattr(model, "decoder"):
        layers = range(model.cfg.decoder_layers)
        asked["decoder_hidden_states"] = range(len(layers) + 1)
        for kind in ("decoder_attention", "cross_attention"):
            asked.update({f"{kind}_scores": layers, f"{kind}_vectors": layers})
    places, _ = task.supervise(sample)
    logits, states = model(
        **sample["net_input"], heads=places, request=Request(**asked)
    )
    return {"logits": logits, **states}


def slow_outputs(
    task: Any,
    samples: list[dict[str, Any]],
    runs: list[list[Outputs]],
    temperature: float,
) -> dict[str, Any]:
    """Hard cross-entropy and equation 2, summed over labels.

    Where the teacher's logits are None it does not read the label.
    """
    ce, kd = 0.0, 0.0
    for sample, (own, taught) in zip(samples, runs):
        for head, target in task.supervise(sample).targets.items():
            for i, label in enumerate(target.tolist()):
                student, teacher = own["logits"][head][i], taught["logits"][head][i]
                if teacher is not None:
                    z_t = torch.softmax(teacher.detach() / temperature, -1)
                    z_s = torch.log_softmax(student / temperature, -1)
                    kd = kd - (z_t * z_s).sum()
                ce = ce - torch.log_softmax(student, -1)[label]
    return {"nll_loss": ce, "logits_loss": kd}


def mean_square(errors: Iterable[Tensor]) -> Tensor:
    return torch.cat([error.flatten() for error in errors]).square().mean()


def slow_states(
    term: Any, states: str, pairs: Pairs, runs: list[list[Outputs]]
) -> Tensor:
    """Equation 3 on states: TinyBERT's mean square error, a pair of layers each."""
    total = 0.0
    for i, j in pairs:
        f = term.projections.linear[str(i)]
        total = total + mean_square(
            F.linear(own[states][i], f.weight, f.bias) - taught[states][j].detach()
            for own, taught in runs
        )
    return total


def slow_scores(
    head_map: Any, name: str, pairs: Pairs, runs: list[list[Outputs]]
) -> Tensor:
    """Equation 3 on scores: over all cells that a query of the sentence can see."""
    total = 0.0
    for i, j in pairs:
        errors = []
        for own, taught in runs:
            a = own[f"{name}_scores"][i][0]  # H x T x S
            b = taught[f"{name}_scores"][j][0].detach()
            if head_map.kind == "mean":
                a, b = a.mean(0)[None], b.mean(0)[None]
            if head_map.kind == "linear":
                mix = head_map.mix[str(i)]
                a = torch.stack([sum(w * h for w, h in zip(row, a)) for row in mix])
            for query in range(a.size(1)):
                seen = query + 1 if name == "decoder_attention" else a.size(2)
                errors.append((a - b)[:, query, :seen])
        total = total + mean_square(errors)
    return total


def slow_relations(name: str, pairs: Pairs, runs: list[list[Outputs]]) -> Tensor:
    """Equation 2 of MiniLMv2 with a relation head for each head of the teacher."""
    total = 0.0
    for i, j in pairs:
        for kind in range(3):
            divergences = []
            for own, taught in runs:
                a = own[f"{name}_vectors"][i][kind][0]
                b = taught[f"{name}_vectors"][j][kind][0].detach()
                heads = b.size(0)
                for x, y in zip(regroup(a, heads), regroup(b, heads)):
                    x, y = relations(x), relations(y)
                    divergences.append((y.exp() * (y - x)).sum(-1))
            total = total + torch.cat(divergences).mean()
    return total


def regroup(vectors: Tensor, heads: int) -> Sequence[Tensor]:
    """`(any heads, src_len, head_dim)` -> relation heads, each `(src_len, dim)`."""
    return torch.cat(list(vectors), dim=-1).chunk(heads, dim=-1)


def relations(vectors: Tensor) -> Tensor:
    """`(src_len, dim)` -> what each vector thinks of each, as log-probabilities."""
    return torch.log_softmax(vectors @ vectors.T / vectors.size(1) ** 0.5, -1)


def equal_models(
    world: World, head_map: str, spec: str
) -> tuple[Case, TinyBertCriterion]:
    """Return a teacher of the student's shape and weights, layer by layer."""
    options = {"layer_map": spec, "decoder_layer_map": spec}
    same = ((1, 1), (2, 2))
    depths = Depths(options, 2, same, ((0, 0), (1, 1)), 2, same)
    case = Case(world, head_map, depths)
    weights = {f"{kind}_weight": float(kind in INNER) for kind in WEIGHTS}
    shape = teacher_shape(2, HEAD_MAPS[head_map][1])
    case.student = world.model(case.task, shape, 2).double()
    case.student.load_state_dict(case.teacher.state_dict())
    options = {"teacher_path": case.path, **case.options, **weights}
    criterion = build_criterion(case.task, **options)
    for mix in (p for n, p in criterion.named_parameters() if ".mix." in n):
        mix.data = torch.eye(len(mix))
    return case, criterion.double()
