"""fairseq's beam search for parses: words in the place of pointers, and a grammar."""

import math
from typing import Any

import torch
from fairseq.models import BaseFairseqModel
from fairseq.search import BeamSearch
from fairseq.sequence_generator import SequenceGenerator
from torch import Tensor

from fairseq_mlkd.data.parse_dataset import ParseDictionary
from fairseq_mlkd.errors import in_one_line
from fairseq_mlkd.tasks._generation import Hypotheses
from fairseq_mlkd.text.grammar import START, Followed, Grammar, symbols_to_finish


class ParseSearch(BeamSearch):
    """Beam search among what a grammar admits.

    Args:
        parses: whose `outputs` are searched.
        grammar: over the same symbols; None: everything is admitted.
    """

    def __init__(self, parses: ParseDictionary, grammar: Grammar | None) -> None:
        super().__init__(parses.outputs)
        self.followed = Followed(grammar) if grammar else None
        # beams that nothing may follow have no score, and may be all that is left
        self.stop_on_max_len = True
        self.max_len = 0
        self.best_open = torch.empty(0)  # (bsz,), scores of parses without an end

    def limit(self, max_len: int) -> None:
        """Have parses finish within `max_len` symbols, the end not counted.

        Raises:
            ValueError: no parse is that short.
        """
        if self.followed is not None and max_len + 1 < symbols_to_finish(START):
            raise ValueError(
                f"no parse has only {max_len} symbols: choose a larger --max-len-b"
            )
        self.max_len = max_len

    def step(
        self,
        step: int,
        lprobs: Tensor,
        scores: Tensor | None,
        prev_output_tokens: Tensor,
        original_batch_idxs: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Do as upstream."""
        if self.followed is not None:
            prefixes = [tuple(row[1:]) for row in prev_output_tokens.tolist()]
            allowed = self.followed.allowed(prefixes, self.max_len + 1 - step)
            forbidden = ~torch.from_numpy(allowed).to(lprobs.device).view_as(lprobs)
            lprobs = lprobs.masked_fill(forbidden, -math.inf)
        found = super().step(step, lprobs, scores, prev_output_tokens)
        cand_scores, cand_indices, _ = found
        open_scores = cand_scores.masked_fill(cand_indices.eq(self.eos), -math.inf)
        self.best_open = open_scores.max(dim=1).values
        return found


class ParseGenerator(SequenceGenerator):
    """Generates parses whose tokens are ids in `parses.printed`.

    As upstream, but the search goes on while an open parse is ahead of all finished
    ones. Upstream ends when as many parses are finished as the beam is wide, which
    short bad parses can bring about: a wide beam then finds less than a narrow one.

    Args:
        models: an ensemble.
        parses: what the models say.
        grammar: what to admit; None: anything.
        options: as upstream.
    """

    def __init__(
        self,
        models: list[BaseFairseqModel],
        parses: ParseDictionary,
        grammar: Grammar | None,
        **options: Any,
    ) -> None:
        options["search_strategy"] = ParseSearch(parses, grammar)
        super().__init__(models, parses.outputs, **options)
        self.parses = parses

    @in_one_line
    def _generate(self, sample: dict[str, Any], **options: Any) -> Hypotheses:
        src_len = sample["net_input"]["src_tokens"].size(1)
        longest = int(self.max_len_a * src_len + self.max_len_b)
        self.search.limit(min(longest, self.max_len - 1))
        hypotheses = super()._generate(sample, **options)
        for words, row in zip(sample["words"], hypotheses):
            for found in row:
                found["tokens"] = self.parses.resolve(found["tokens"], words)
        return hypotheses

    def finalize_hypos(
        self,
        step: int,
        bbsz_idx: Tensor,
        eos_scores: Tensor,
        tokens: Tensor,
        scores: Tensor,
        finalized: Hypotheses,
        finished: list[bool],
        beam_size: int,
        attn: Tensor | None,
        src_lengths: Tensor,
        max_len: int,
    ) -> list[int]:
        """Take in finished parses, keep a beam of the best, say who needs no more."""
        open_rows = [i for i, is_finished in enumerate(finished) if not is_finished]
        earlier = {i: finalized[i] for i in open_rows}
        for i in open_rows:
            finalized[i] = []
        super().finalize_hypos(
            step,
            bbsz_idx,
            eos_scores,
            tokens,
            scores,
            finalized,
            finished,
            beam_size,
            attn,
            src_lengths,
            max_len,
        )
        ahead = self.search.best_open
        if self.normalize_scores:
            ahead = ahead / (step + 1) ** self.len_penalty
        for i, score in zip(open_rows, ahead.tolist()):
            new = finalized[i]
            found = sorted(earlier[i] + new, key=_score, reverse=True)[:beam_size]
            is_done = new and len(found) == beam_size and _score(found[0]) >= score
            finalized[i], finished[i] = found, bool(is_done) or step == max_len
        return [k for k, i in enumerate(open_rows) if finished[i]]

    def is_finished(self, *unused: Any) -> bool:
        """Leave it to `finalize_hypos`, which knows what is still open."""
        return False


def _score(hypothesis: dict[str, Any]) -> float:
    return float(hypothesis["score"])
