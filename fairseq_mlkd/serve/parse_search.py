"""Beam search for parses in numpy: what `tasks/` does with fairseq's, step for step."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from fairseq_mlkd.serve.engine import Parsing
from fairseq_mlkd.text.dictionary import EOS, PAD
from fairseq_mlkd.text.grammar import Followed, Grammar

_IMPOSSIBLE = -1e4


class Found(NamedTuple):
    """A finished parse: symbols without the end, and its score per symbol."""

    symbols: list[int]
    score: float


class ParseSearch:
    """Searches for the best parses.

    Args:
        outputs: how many symbols there are, pointers included.
        grammar: what to admit; None: anything.
        beam: how many parses are followed at once.
        longest: the most symbols of a parse, the end not counted.
    """

    def __init__(
        self, outputs: int, grammar: Grammar | None, beam: int, longest: int
    ) -> None:
        self._outputs = outputs
        self._grammar = grammar
        self.beam = beam
        self._longest = longest

    def search(self, parsing: Parsing) -> list[Found]:
        """Return finished parses, best first.

        The search ends once a beam of parses is finished and none that is open is ahead
        of the best of them.
        """
        prefixes: list[tuple[int, ...]] = [()] * self.beam
        scores = np.zeros(self.beam, np.float32)
        followed = Followed(self._grammar) if self._grammar else None
        done: list[Found] = []
        previous = np.full(self.beam, EOS)
        for step in range(self._longest + 1):
            lprobs = self._log_probs(parsing.step(previous), step)
            if followed is not None:
                budget = self._longest + 1 - step
                lprobs[~followed.allowed(prefixes, budget)] = -math.inf
            values, beams, symbols = self._best(lprobs, scores, step)
            is_end = (symbols == EOS) & (values > -math.inf)
            new = [
                Found(list(prefixes[beams[i]]), float(values[i] / (step + 1)))
                for i in range(min(self.beam, len(values)))
                if is_end[i]
            ]
            still_open = values[symbols != EOS].max(initial=-math.inf)
            if new:
                done = sorted(done + new, key=_score, reverse=True)[: self.beam]
                ahead = still_open / (step + 1)
                if len(done) == self.beam and done[0].score >= ahead:
                    break
            if step == self._longest:
                break
            keep = np.flatnonzero(~is_end)[: self.beam]
            prefixes = [(*prefixes[beams[i]], int(symbols[i])) for i in keep]
            scores, previous = values[keep], symbols[keep]
            parsing.reorder(beams[keep])
        return done

    def _log_probs(self, logits: np.ndarray, step: int) -> np.ndarray:
        """Turn logits `(beams, symbols + words)` into `(beams, outputs)`."""
        logits = logits[:, : self._outputs]
        missing = self._outputs - logits.shape[1]
        padded = np.pad(logits, ((0, 0), (0, missing)), constant_values=_IMPOSSIBLE)
        lprobs = log_softmax(padded)
        lprobs[:, PAD] = -math.inf
        if step == 0:
            lprobs[:, EOS] = -math.inf
        if step == self._longest:
            end = lprobs[:, EOS].copy()
            lprobs[:] = -math.inf
            lprobs[:, EOS] = end
        return lprobs

    def _best(
        self, lprobs: np.ndarray, scores: np.ndarray, step: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return scores, beams and symbols of the best candidates, two for a beam."""
        total = lprobs[:1] if step == 0 else lprobs + scores[:, None]
        flat = total.reshape(-1)
        count = min(2 * self.beam, len(flat) - 1)
        best = np.argsort(-flat, kind="stable")[:count]
        return flat[best], best // self._outputs, best % self._outputs


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Return natural log probabilities over the last axis, in float32."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    total = np.exp(shifted).sum(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(total), np.float32)


def _score(found: Found) -> float:
    return found.score
