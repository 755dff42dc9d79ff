"""The mean of checkpoints' weights: of the last ones of a run, of seeds, or a mix."""

import logging
import math
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fairseq_mlkd import register
from fairseq_mlkd.checkpoint import (
    DICTIONARY_KEY,
    LABELS_KEY,
    SELECTION_KEY,
    check_state,
    load_state,
    selection_rule,
)
from fairseq_mlkd.files.writing import replace_on_success

logger = logging.getLogger(__name__)

_FINGERPRINTS = ((DICTIONARY_KEY, "dictionary"), (LABELS_KEY, "labels"))
# what the same weights of an encoder compute depends on these fields of its model, too
_MEANING = ("encoder_attention_heads", "layer_norm_eps", "head_activation")

# checkpoint12.pt and checkpoint_3_1500.pt: epoch, and updates where it ended within one
_NUMBERED = re.compile(r"checkpoint(?:(\d+)|_(\d+)_(\d+))\.pt")
# what two seeds of a model share, and what of that says nothing about the model
_COMPARED = ("model", "task", "criterion", "optimizer")
_IGNORED = {
    *("data", "seed", "sampling_seed", "path", "results", "model_name", "save_dir"),
    *("restore_file", "valid_subset", "disable_validation", "teacher_cache"),
    *("text_tokenizer", "text_lang", "_name", "distributed_world_size"),
}
# paths that may hold the run's seed
_OF_THE_SEED = {"teacher_path", "encoder_path"}


def numbered_checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints of a `--save-dir` that have a number, oldest first."""
    found = {}
    for path in folder.iterdir():
        match = _NUMBERED.fullmatch(path.name)
        if match:
            epoch, within, updates = match.groups()
            # the end of an epoch comes after what was saved within it
            found[int(epoch or within), int(updates or 10**15)] = path
    return [found[key] for key in sorted(found)]


def keep_numbered(count: int) -> str:
    """Return the advice how training keeps its last `count` checkpoints."""
    return (
        f"train with --keep-last-epochs {count}, or with --save-interval-updates N "
        f"--keep-interval-updates {count}"
    )


def newest_checkpoints(folder: Path, count: int) -> list[Path]:
    """Return the last `count` numbered checkpoints in a `--save-dir`, oldest first.

    Raises:
        ValueError: there are fewer.
    """
    found = numbered_checkpoints(folder)
    if not 2 <= count <= len(found):
        raise ValueError(
            f"{folder}: --last {count} needs as many numbered checkpoints, 2 or more, "
            f"and there are {len(found)}: {keep_numbered(count)}"
        )
    return found[-count:]


def average_checkpoints(sources: Sequence[Path], out: Path) -> str:
    """Write the mean of checkpoints of the same run, or of seeds that differ alone.

    Floats are added up in float64 and keep their type; whole numbers must be equal. The
    file is for evaluation, export and fine-tuning; it has no state of an optimizer. It
    takes the place of one that is there.

    Returns:
        The rule that result lines will name: `mean-5`, `seeds-3-of-best`.
    Raises:
        ValueError: in one line, what keeps the checkpoints from being averaged.
    """
    if len(sources) < 2:
        raise ValueError("a mean is of 2 checkpoints or more")
    first = _load(sources[0])
    total = {name: _widen(tensor) for name, tensor in first["model"].items()}
    seeds, rules = [_seed(first)], [_rule(sources[0], first)]
    state = first
    for path in sources[1:]:
        state = _load(path)
        _check_same(sources[0], first, path, state)
        for name, tensor in state["model"].items():
            if tensor.is_floating_point():
                total[name] += tensor
            elif not torch.equal(tensor, total[name]):
                raise ValueError(f"{path}: {name} is not that of {sources[0]}")
        seeds.append(_seed(state))
        rules.append(_rule(path, state))
    rule = _name_rule(seeds, rules)
    if len(set(seeds)) > 1 and _section(first, "task").get("init_seed") is None:
        logger.warning(
            "each seed drew its own random head: without --init-seed in training, "
            "their mean need not be a model"
        )
    weights = {
        name: (total[name] / len(sources)).to(tensor.dtype)
        if tensor.is_floating_point()
        else tensor
        for name, tensor in state["model"].items()
    }
    _save(out, state, weights, rule)
    return rule


def mix_checkpoints(
    sources: Sequence[Path], shares: Sequence[float], out: Path, rule: str | None = None
) -> str:
    """Write a weighted mean of models that share an encoder, however they were trained.

    Such as of a student after stage 1 and after stage 2 (Wortsman et al., 2022: WiSE).
    The model is the last one's: each of its parameters is the mean over those sources
    that have it, so that heads which stage 1 does not know stay as they are. It takes
    the place of a file that is there.

    Args:
        sources: checkpoints.
        shares: of each, 0 to 1; they sum up to 1.
        rule: that result lines will name; default: such as `mix-0.3-0.7`.
    Returns:
        The rule.
    Raises:
        ValueError: in one line, what keeps the checkpoints from being mixed.
    """
    if len(sources) < 2 or len(shares) != len(sources):
        raise ValueError(f"{len(shares)} weights for {len(sources)} checkpoints")
    if not (min(shares) >= 0 and math.isclose(sum(shares), 1, abs_tol=1e-6)):
        raise ValueError(f"weights {shares}: none is below 0, and their sum is 1")
    states = [_load(path) for path in sources]
    last = states[-1]
    for path, state in zip(sources, states):
        _check_encoder(sources[-1], last, path, state)
    weights = {
        name: _mix(tensor, [s["model"].get(name) for s in states], shares)
        for name, tensor in last["model"].items()
    }
    rule = rule or "-".join(["mix", *(f"{share:g}" for share in shares)])
    _save(out, last, weights, rule)
    return rule


def _mix(
    own: Tensor, found: Sequence[Tensor | None], shares: Sequence[float]
) -> Tensor:
    """Return the mean of those that are there, of the type of `own`."""
    total = sum(share for x, share in zip(found, shares) if x is not None)
    if not own.is_floating_point() or not total:
        return own
    parts = [x.double() * share for x, share in zip(found, shares) if x is not None]
    return (torch.stack(parts).sum(dim=0) / total).to(own.dtype)


def _load(path: Path) -> dict[str, Any]:
    register()  # only what is known may be named
    try:
        state = load_state(os.fspath(path))
        checked = check_state(state)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    return {**state, "task_state": checked["task_state"]}


def _widen(tensor: Tensor) -> Tensor:
    return tensor.double() if tensor.is_floating_point() else tensor


def _seed(state: Mapping[str, Any]) -> Any:
    return _section(state, "common").get("seed")


def _section(state: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = state["cfg"].get(name)
    return found if isinstance(found, Mapping) else {}


def _rule(path: Path, state: Mapping[str, Any]) -> str:
    return selection_rule(str(path), state["task_state"].get(SELECTION_KEY))


def _name_rule(seeds: Sequence[Any], rules: Sequence[str]) -> str:
    """Return what the mean is: of one run's checkpoints, or of seeds.

    Raises:
        ValueError: it is neither.
    """
    if len(set(seeds)) == 1:
        if len(set(rules)) < len(rules):
            raise ValueError("the same checkpoint twice")
        return f"mean-{len(rules)}"
    if len(set(seeds)) < len(seeds):
        raise ValueError(
            f"seeds {', '.join(map(str, seeds))}: average the checkpoints of each run "
            "first, then those means"
        )
    if len(set(rules)) > 1:
        raise ValueError(
            f"of each seed the same rule: here are {', '.join(dict.fromkeys(rules))}"
        )
    return f"seeds-{len(seeds)}-of-{rules[0]}"


def _check_same(
    first: Path, state: Mapping[str, Any], path: Path, other: Mapping[str, Any]
) -> None:
    """Refuse checkpoints of runs that differ in more than the seed.

    Raises:
        ValueError: naming the first difference.
    """
    for name in _COMPARED:
        ours, theirs = (_without_seed(s, name) for s in (state, other))
        for key in dict.fromkeys([*ours, *theirs]):
            if key not in _IGNORED and ours.get(key) != theirs.get(key):
                raise ValueError(
                    f"{first} and {path} are of different runs: {name}.{key} is "
                    f"{ours.get(key)!r} and {theirs.get(key)!r}"
                )
    for key, what in _FINGERPRINTS:
        if state["task_state"].get(key) != other["task_state"].get(key):
            raise ValueError(f"{first} and {path} do not have the same {what}")
    ours, theirs = (_describe(s["model"]) for s in (state, other))
    for name in dict.fromkeys([*ours, *theirs]):
        shapes = (x.get(name, "missing") for x in (ours, theirs))
        _compare(first, path, name, *shapes)


def _without_seed(state: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a section whose paths to other models do not show the run's own seed.

    Each seed may have a teacher, and a start, of that seed.
    """
    found = dict(_section(state, name))
    seed = re.compile(rf"(?<!\d){_seed(state)}(?!\d)")
    for key in _OF_THE_SEED & found.keys():
        if isinstance(found[key], str):
            found[key] = seed.sub("SEED", found[key])
    return found


def _check_encoder(
    first: Path, state: Mapping[str, Any], path: Path, other: Mapping[str, Any]
) -> None:
    """Refuse models whose encoders are not alike, or whose heads do not say the same.

    Raises:
        ValueError: naming the first difference.
    """
    ours, theirs = (_section(s, "model") for s in (state, other))
    for key in _MEANING:
        if key in ours and key in theirs:
            _compare(first, path, f"model.{key}", ours[key], theirs[key])
    for key, what in _FINGERPRINTS:
        own, foreign = (s["task_state"].get(key) for s in (state, other))
        if None not in (own, foreign) and own != foreign:
            raise ValueError(f"{first} and {path} do not have the same {what}")
    shapes, others = (
        {name: tuple(t.shape) for name, t in s["model"].items()} for s in (state, other)
    )
    for name in dict.fromkeys([*shapes, *others]):
        if name.startswith("encoder.") or name in shapes and name in others:
            _compare(first, path, name, shapes.get(name), others.get(name))


def _compare(first: Path, path: Path, name: str, ours: Any, theirs: Any) -> None:
    if ours != theirs:
        raise ValueError(
            f"{first} and {path} are different models: {name} is {ours} and {theirs}"
        )


def _describe(weights: Mapping[str, Tensor]) -> dict[str, str]:
    return {name: f"{t.dtype} {tuple(t.shape)}" for name, t in weights.items()}


def _save(
    out: Path, state: dict[str, Any], weights: dict[str, Tensor], rule: str
) -> None:
    averaged = {
        **state,
        "model": weights,
        "criterion": None,
        "last_optimizer_state": None,
        "task_state": {**state["task_state"], SELECTION_KEY: rule},
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    with replace_on_success(out) as partial:
        torch.save(averaged, partial)
