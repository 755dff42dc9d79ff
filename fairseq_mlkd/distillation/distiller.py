"""One step of distillation: run student and teacher, and compare them."""

from collections.abc import Mapping
from functools import partial, reduce
from operator import add
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from fairseq_mlkd.distillation.cached_teacher import CachedTeacher
from fairseq_mlkd.distillation.inner_losses import InnerLosses
from fairseq_mlkd.distillation.losses import ByHead, hard_loss, output_losses
from fairseq_mlkd.distillation.other_subwords import TeacherView, at_words
from fairseq_mlkd.distillation.teacher import Teacher
from fairseq_mlkd.modules.states import Outputs

AnyTeacher = Teacher | CachedTeacher
Logits = dict[str, Tensor]  # head -> (n, classes)


class Comparison(NamedTuple):
    """The comparison of student and teacher on one batch.

    Args:
        logits: of the student; empty where no loss needs them.
        loss: the weighted sum of all terms.
        terms: `nll_loss`, `logits_loss` and those of equation 3, without weights and
            gradient; only what has a weight is there, but for `nll_loss`, which comes
            with `logits_loss`.
        kept: how many sentences count; None: all.
    """

    logits: Logits
    loss: Tensor
    terms: dict[str, Tensor]
    kept: Tensor | None = None


class Distiller(nn.Module):
    """A teacher, what is compared with it, and what each term weighs.

    Its parameters, those of equation 3, are trained with the student. The teacher is
    not among them.

    Args:
        teacher: gives the targets of equations 2 and 3.
        inner_losses: equation 3; it knows its weights.
        ce_weight: of the hard cross-entropy.
        logits_weight: of equation 2.
        temperature: as in `output_losses`.
    """

    def __init__(
        self,
        teacher: AnyTeacher,
        inner_losses: InnerLosses,
        *,
        ce_weight: float,
        logits_weight: float,
        temperature: float,
    ) -> None:
        super().__init__()
        self.teacher, self.inner_losses = teacher, inner_losses
        self.ce_weight, self.logits_weight = ce_weight, logits_weight
        self.temperature = temperature

    def forward(
        self,
        student: nn.Module,
        inputs: Mapping[str, Any],
        places: ByHead,
        targets: ByHead | None = None,
        *,
        counts: Tensor | None = None,
        confidence: float = 0.0,
        with_logits: bool = False,
        keys: Tensor | None = None,
        view: TeacherView | None = None,
    ) -> Comparison:
        """Run both models on a batch and compare them.

        Every term is a sum over sentences. A decoder is compared where the inputs have
        something to decode. What has no weight is not computed.

        Args:
            student: the model that learns.
            inputs: of both models.
            places: where their heads are compared, as in `Supervision`.
            targets: head -> `(n,)` labels there; None: there are none.
            counts: `(bsz,)`, how often each sentence counts, shared among its places;
                None: once per label.
            confidence: sentences whose `teacher_confidence` is below this count 0
                times.
            with_logits: the student's logits are wanted whatever the weights.
            keys: names of the sequences, for a `CachedTeacher`.
            view: the batch in the teacher's own subwords; states are then compared at
                words, and equation 2 at the labels of both. None: it reads `inputs`.
        """
        decodes = "prev_output_tokens" in inputs
        soft = bool(places and self.logits_weight)
        hard = targets is not None and bool(self.ce_weight)
        scored = soft or hard or with_logits
        loss = torch.zeros((), device=inputs["src_tokens"].device)
        request = self.inner_losses.student_request(decodes)
        if not scored and not any(request):
            return Comparison({}, loss, {})
        inputs = {**inputs, "heads": places}
        # before the student, whose activations are kept
        taught, theirs = self._run_teacher(student, inputs, soft, keys, view)
        logits, own = student(features_only=not scored, request=request, **inputs)
        terms: dict[str, Tensor] = {}
        kept = None
        if confidence and counts is not None:
            sure = teacher_confidence(inputs, places, taught) >= confidence
            counts, kept = counts * sure, sure.sum()
        weights = None if counts is None else share_out(counts, inputs, places)
        if soft or hard:
            loss, terms = self._compare_outputs(logits, taught, targets, view, weights)
        if counts is None:
            counts = count_by_row(inputs, places, targets)
        if view is not None and view.word_starts is not None:
            own, theirs = at_words(own, theirs, *view.word_starts)
        for name, term in self.inner_losses(own, theirs, counts, decodes).items():
            loss = loss + self.inner_losses.weights[name] * term
            terms[name] = term.detach()
        return Comparison(logits if scored else {}, loss, terms, kept)

    def _run_teacher(
        self,
        student: nn.Module,
        inputs: Mapping[str, Any],
        soft: bool,
        keys: Tensor | None,
        view: TeacherView | None,
    ) -> tuple[Logits, Outputs]:
        """Return the teacher's logits, none without `soft`, and its states."""
        logits, states = self.teacher.run(
            next(student.parameters()),
            keys,
            features_only=not soft,
            request=self.inner_losses.teacher_request("prev_output_tokens" in inputs),
            **(inputs if view is None else view.inputs),
        )
        if not soft:
            return {}, states
        return logits if view is None else view.read_logits(logits), states

    def _compare_outputs(
        self,
        logits: Logits,
        teacher_logits: Logits,
        targets: ByHead | None,
        view: TeacherView | None,
        label_weights: dict[str, Tensor] | None,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the weighted sum over the labels of all heads, and its terms."""
        if not teacher_logits:
            assert targets is not None
            ce = hard_loss(logits, targets, label_weights)
            return self.ce_weight * ce, {"nll_loss": ce.detach()}
        losses = [
            losses_of_head(
                logits[head],
                None if targets is None else targets[head],
                theirs,
                None if view is None else view.shared.get(head),
                label_weights=None if label_weights is None else label_weights[head],
                ce_weight=self.ce_weight,
                logits_weight=self.logits_weight,
                temperature=self.temperature,
            )
            for head, theirs in teacher_logits.items()
        ]
        total, ce, kd = (reduce(add, terms) for terms in zip(*losses))
        return total, {"nll_loss": ce, "logits_loss": kd}


def find_rows(inputs: Mapping[str, Any], places: ByHead) -> dict[str, Tensor]:
    """Return the sentence of a batch that each place is in: head -> `(n,)`."""
    read = inputs.get("prev_output_tokens", inputs["src_tokens"])
    return {head: place // read.size(1) for head, place in places.items()}


def count_by_row(
    inputs: Mapping[str, Any], places: ByHead, targets: ByHead | None = None
) -> Tensor:
    """Count the labels of each sentence, `(bsz,)`.

    Args:
        inputs: of the models.
        places: as in `Supervision`.
        targets: head -> `(n,)`, `NO_LABEL` where there is none; None: all places have
            one.
    """
    total = inputs["src_tokens"].new_zeros(len(inputs["src_tokens"]))
    for head, row in find_rows(inputs, places).items():
        is_label = None if targets is None else targets[head].ge(0)
        total.index_add_(
            0, row, torch.ones_like(row) if is_label is None else is_label.to(row)
        )
    return total


def share_out(
    counts: Tensor, inputs: Mapping[str, Any], places: ByHead
) -> dict[str, Tensor]:
    """Share each sentence's count `(bsz,)` among its places: head -> `(n,)`."""
    shares = counts / count_by_row(inputs, places).clamp(min=1)
    return {head: shares[row] for head, row in find_rows(inputs, places).items()}


def teacher_confidence(
    inputs: Mapping[str, Any], places: ByHead, logits: Logits
) -> Tensor:
    """Return how sure a teacher is of each sentence, `(bsz,)`, 0 to 1.

    The largest probability, averaged over the places of a head in the sentence, and
    then over the heads; 0 where none has a place.

    Args:
        inputs: of the models.
        places: as in `Supervision`.
        logits: of the teacher, there.
    """
    nothing = torch.zeros(len(inputs["src_tokens"]), device=inputs["src_tokens"].device)
    total, heads = nothing, nothing
    for head, row in find_rows(inputs, places).items():
        sure = logits[head].softmax(-1, dtype=torch.float32).amax(-1)
        number = nothing.index_add(0, row, torch.ones_like(sure))
        total = total + nothing.index_add(0, row, sure) / number.clamp(min=1)
        heads = heads + number.gt(0)
    return total / heads.clamp(min=1)


def losses_of_head(
    logits: Tensor,
    target: Tensor | None,
    teacher_logits: Tensor,
    shared: Tensor | None,
    *,
    label_weights: Tensor | None,
    ce_weight: float,
    logits_weight: float,
    temperature: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return what `output_losses` does, of one head.

    Args:
        logits: `(n, classes)` of the student.
        target: `(n,)`; None: there is no hard loss.
        teacher_logits: of all labels, or of those that are shared.
        shared: `(n,)`, true at the labels that the teacher reads, too; the others have
            the hard loss alone. None: it reads them all.
        label_weights: as in `output_losses`; None where labels are shared.
        ce_weight: as there, and `logits_weight` and `temperature`.
    """
    assert shared is None or label_weights is None
    if target is None:
        target = torch.zeros(len(logits), dtype=torch.long, device=logits.device)
        ce_weight = 0.0
    compare = partial(
        output_losses,
        ce_weight=ce_weight,
        logits_weight=logits_weight,
        temperature=temperature,
    )
    if shared is None:
        return compare(logits, target, teacher_logits, label_weights=label_weights)
    total, ce, kd = compare(logits[shared], target[shared], teacher_logits)
    rest = hard_loss({"": logits[~shared]}, {"": target[~shared]})
    return total + ce_weight * rest, ce + rest.detach(), kd
