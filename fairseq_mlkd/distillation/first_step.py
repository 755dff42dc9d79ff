"""What is odd about a distillation, said once, after the first batch."""

from collections.abc import Mapping

from torch import Tensor, nn

from fairseq_mlkd.distillation.inner_losses import weight_of

# A term that is more of the loss than this leaves nothing for the others.
LARGEST_SHARE = 0.9
# What logs call the outputs' terms -> what their weights are called.
_OUTPUTS = {"nll": "ce"}


def find_dominant(
    terms: Mapping[str, Tensor], weights: Mapping[str, float]
) -> tuple[str, float, float] | None:
    """Return the weight of the term that is nearly all of the loss, if one is.

    Args:
        terms: without weights, such as `hidden_loss`; those of decoders, too.
        weights: by kind, such as `hidden`.
    Returns:
        Its kind, its share, and the weight that would make it half of the loss.
    """
    sums: dict[str, float] = {}
    for name, value in terms.items():
        kind = weight_of(name)
        kind = _OUTPUTS.get(kind, kind)
        if weights.get(kind):
            sums[kind] = sums.get(kind, 0.0) + weights[kind] * float(value)
    total = sum(sums.values())
    kind = max(sums, key=sums.__getitem__, default="")
    others = total - sums.get(kind, 0.0)
    if others <= 0 or sums[kind] <= LARGEST_SHARE * total:
        return None
    return kind, sums[kind] / total, weights[kind] * others / sums[kind]


def describe_oddities(
    student: nn.Module,
    teacher: nn.Module | None,
    terms: Mapping[str, Tensor],
    weights: Mapping[str, float],
) -> list[str]:
    """Return lines of warning about models and losses.

    Args:
        teacher: None: it is not at hand.
    """
    lines = []
    if teacher is not None:
        ours, theirs = (
            sum(p.numel() for p in model.parameters()) for model in (student, teacher)
        )
        if ours > theirs:
            lines.append(
                f"the student has {ours:,} parameters, its teacher {theirs:,}: is "
                "--arch (with its --encoder-* sizes) the one that was meant?"
            )
    found = find_dominant(terms, weights)
    if found is not None:
        kind, share, weight = found
        lines.append(
            f"{kind} is {share:.0%} of the loss at the first update: with "
            f"--{kind}-weight {weight:.2g} it would be half"
        )
    return lines
