"""Sentences with their parses, in which pointers stand for the words."""

import os
from typing import Any

import numpy as np
import torch
from fairseq.data import Dictionary, FairseqDataset
from torch import Tensor

from fairseq_mlkd.data.binary import load_binary
from fairseq_mlkd.data.collate import collate, collate_inputs
from fairseq_mlkd.data.lengths import check_lengths, cut
from fairseq_mlkd.data.parse_dictionary import ParseDictionary

_NO_WORD = -1


class ParseDataset(FairseqDataset):
    """`<s> sentence </s>`, where its words begin, and its parse.

    Args:
        folder: holds `input0/`, `pieces/`, `words/` and `target/`.
        subset: file name in each of them, such as `test.fr`.
        dictionary: symbols of the sentences.
        parses: symbols of the parses.
        max_positions: the longest sentence that the model takes, in subwords with the
            special symbols.
        max_target_positions: the longest parse, in symbols with the end.
        long_inputs: what to do with longer sentences, "refuse" or "truncate": words
            that are cut off can be pointed at no more.
    Raises:
        ValueError: a file is missing, files do not belong together, or sentences or
            parses are too long.
    """

    def __init__(
        self,
        folder: str,
        subset: str,
        dictionary: Dictionary,
        parses: ParseDictionary,
        *,
        max_positions: int,
        max_target_positions: int,
        long_inputs: str = "refuse",
    ) -> None:
        parts = ("input0", "pieces", "words", "target")
        self.input0, self.pieces, self.words, self.target = (
            load_binary(os.path.join(folder, part, subset)) for part in parts
        )
        where = f"{folder}: {subset}"
        self._check_parts(where)
        sizes = np.asarray(self.input0.sizes) + 1
        if long_inputs != "truncate":
            check_lengths(sizes, max_positions, where, "truncate")
        longest = max(self.target.sizes, default=0)
        if longest > max_target_positions:
            raise ValueError(
                f"{where}: a parse of {longest} symbols, end included, is longer than "
                f"--max-target-positions {max_target_positions}"
            )
        self.sizes = sizes.clip(max=max_positions)
        self.max_positions = max_positions
        self.dictionary = dictionary
        self.parses = parses
        self.bos = torch.tensor([dictionary.bos()])

    def _check_parts(self, where: str) -> None:
        rows = [len(p) for p in (self.input0, self.pieces, self.words, self.target)]
        if len(set(rows)) > 1:
            raise ValueError(
                f"{where} has {rows[0]} sentences, {rows[1]} splits into subwords, "
                f"{rows[2]} lists of words and {rows[3]} parses: prepare it again"
            )
        for i in range(rows[0]):
            pieces = self.pieces[i]
            found = (int(pieces.sum()), len(pieces))
            if found != (self.input0.sizes[i] - 1, self.words.sizes[i] - 1):
                raise ValueError(
                    f"{where}: row {i + 1} in input0/, pieces/ and words/ is not the "
                    "same sentence: prepare it again"
                )

    def __getitem__(self, index: int) -> dict[str, Any]:
        """One example; every value is one-dimensional.

        `tokens`: ids of the sentence. `word_starts`: index in it of each word's first
        subword, -1 for a word without. `words`: the words' ids in `parses.printed`.
        `prev_output_tokens`: `</s>` and the parse, the input of the decoder.
        `pointer_target`: the parse as the decoder should say it, padding where it
        cannot. `target`: the parse with its words, ids in `parses.printed`.
        """
        parses, gold = self.parses, self.target[index].long()
        tokens = torch.cat([self.bos, self.input0[index].long()])
        tokens = cut(tokens, self.max_positions)
        starts = first_subwords(self.pieces[index].long(), len(tokens) - 1)
        words = parses.print_words(self.words[index][:-1].long())
        return {
            "tokens": tokens,
            "word_starts": starts,
            "words": words,
            "prev_output_tokens": self._decoder_input(gold),
            "pointer_target": self._sayable(gold, starts),
            "target": parses.resolve(gold, words),
        }

    def _decoder_input(self, gold: Tensor) -> Tensor:
        """`</s>` first; symbols that the decoder does not know become `<unk>`."""
        outputs = self.parses.outputs
        shifted = torch.cat([gold[-1:], gold[:-1]])
        return shifted.masked_fill(shifted.ge(len(outputs)), outputs.unk())

    def _sayable(self, gold: Tensor, starts: Tensor) -> Tensor:
        parses = self.parses
        is_pointer = parses.find_pointers(gold)
        word = (gold - parses.first_pointer).masked_fill(~is_pointer, 0)
        unreachable = gold.ge(len(parses.outputs))
        if is_pointer.any():
            unreachable |= is_pointer & starts[word].eq(_NO_WORD)
        return gold.masked_fill(unreachable, parses.outputs.pad())

    def __len__(self) -> int:
        return len(self.target)

    def collater(self, samples: list[dict[str, Any]]) -> dict[str, Any]:
        """As `collate_inputs`, and more, padded on the right.

        In `net_input`: `word_starts` `(bsz, max_words)`, padded with -1, and
        `prev_output_tokens` `(bsz, tgt_len)`. Beside it: `pointer_target` `(bsz,
        tgt_len)`, `target` `(bsz, tgt_len)` and `words` `(bsz, max_words)`, padded with
        `<unk>`.
        """
        if not samples:
            return {}
        pad = self.dictionary.pad()
        batch = collate_inputs(samples, "tokens", pad)
        batch["net_input"].update(
            word_starts=collate(samples, "word_starts", _NO_WORD),
            prev_output_tokens=collate(samples, "prev_output_tokens", pad),
        )
        batch["pointer_target"] = collate(samples, "pointer_target", pad)
        batch["target"] = collate(samples, "target", pad)
        batch["words"] = collate(samples, "words", self.parses.printed.unk())
        return batch


def first_subwords(pieces: Tensor, end: int) -> Tensor:
    """Where words begin.

    Args:
        pieces: `(num_words,)`, the number of subwords of each, after one `<s>`.
        end: index of `</s>`; words that would begin there or later were cut off.
    Returns:
        `(num_words,)` indices of first subwords; -1 where there is none.
    """
    starts = 1 + pieces.cumsum(0) - pieces
    return starts.masked_fill(pieces.eq(0) | starts.ge(end), _NO_WORD)
