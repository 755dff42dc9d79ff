"""Sentences with their parses, in which pointers stand for the words."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from fairseq.data import Dictionary, FairseqDataset
from torch import Tensor

from fairseq_mlkd.data.binary import load_part
from fairseq_mlkd.data.dictionary import join_dictionaries
from fairseq_mlkd.data.folders import INPUT0, PIECES, TARGET, WORDS
from fairseq_mlkd.data.inputs import check_lengths, collate, collate_inputs, cut
from fairseq_mlkd.remedies import PREPARE_AGAIN
from fairseq_mlkd.text.pointers import pointer, pointer_position


class ParseDictionary:
    """Three dictionaries whose ids agree.

    `symbols` is the one of the targets. Its beginning is `outputs`, what a model can
    write: the symbols of the training data, then the pointers at words 0, 1, ... Behind
    them stand the symbols of test data alone. `printed` continues `symbols` with the
    words of the sentences, so that parses can be written with their words.

    Args:
        symbols: of `DATA/target`; a count of 0 means never seen in training.
        words: of `DATA/words`.
    Raises:
        ValueError: the order is another one.
    """

    def __init__(self, symbols: Dictionary, words: Dictionary) -> None:
        self.symbols = symbols
        self.outputs = _trained_part(symbols)
        positions = map(pointer_position, self.outputs.symbols)
        self.num_pointers = sum(position is not None for position in positions)
        self.first_pointer = len(self.outputs) - self.num_pointers
        pointers = list(map(pointer, range(self.num_pointers)))
        trained = self.outputs.symbols[: self.first_pointer] + pointers
        if not pointers or trained != symbols.symbols[: len(trained)]:
            raise ValueError(
                "target/dict.txt: not the trained symbols first, then @ptr_0, @ptr_1, "
                f"...: {PREPARE_AGAIN}"
            )
        self.printed = join_dictionaries(symbols, words)
        self._first_word = len(symbols) - words.nspecial

    def print_words(self, words: Tensor) -> Tensor:
        """Return the ids in `printed` of words, from their own ids."""
        return words + self._first_word

    def name_words(self, words: Sequence[str]) -> list[int]:
        """Return the ids of words as `DATA/words` has them; `printed` gets new ones."""
        first = len(self.symbols)
        known = {w: i for i, w in enumerate(self.printed.symbols[first:], start=first)}
        for word in words:
            if word not in known:
                known[word] = len(self.printed)
                self.printed.symbols.append(word)
                self.printed.count.append(1)
        return [known[word] - self._first_word for word in words]

    def find_pointers(self, tokens: Tensor) -> Tensor:
        """Return where pointers stand."""
        return tokens.ge(self.first_pointer) & tokens.lt(len(self.outputs))

    def resolve(self, tokens: Tensor, words: Tensor) -> Tensor:
        """Put words in the place of their pointers.

        Args:
            tokens: `(n,)` ids of symbols.
            words: `(num_words,)` ids in `printed` of a sentence's words.
        Returns:
            `(n,)` ids in `printed`; `<unk>` for a pointer at no word.
        """
        words = torch.cat([words, words.new_tensor([self.printed.unk()])])
        index = (tokens - self.first_pointer).clamp(0, len(words) - 1)
        return torch.where(self.find_pointers(tokens), words[index], tokens)

    def spell(self, tokens: Tensor) -> list[str]:
        """Return symbols and words of ids in `printed`, without padding and `</s>`."""
        ends = (self.printed.pad(), self.printed.eos())
        return [self.printed[i] for i in tokens.tolist() if i not in ends]


def _trained_part(symbols: Dictionary) -> Dictionary:
    part = Dictionary()
    counts = list(zip(symbols.symbols, symbols.count))[symbols.nspecial :]
    for symbol, count in counts:
        if count > 0:
            part.add_symbol(symbol, n=count)
    return part


def read_ontology(path: str) -> list[tuple[str, str]]:
    """Read which slots stood under which intents in training.

    Returns:
        Pairs of opening symbols, such as (`[IN:GET_WEATHER`, `[SL:DATE_TIME`).
    Raises:
        ValueError: the file is missing, or one of its lines is no pair.
    """
    if not os.path.isfile(path):
        raise ValueError(f"{path} is missing; {PREPARE_AGAIN}")
    pairs = []
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            pair = line.split()
            if len(pair) != 2:
                raise ValueError(
                    f"{path}: line {number} is not an intent and a slot; "
                    f"{PREPARE_AGAIN}"
                )
            pairs.append((pair[0], pair[1]))
    return pairs


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
        self.input0, self.pieces, self.words, self.target = (
            load_part(folder, part, subset) for part in (INPUT0, PIECES, WORDS, TARGET)
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
                f"{rows[2]} lists of words and {rows[3]} parses: {PREPARE_AGAIN}"
            )
        for i in range(rows[0]):
            pieces = self.pieces[i]
            found = (int(pieces.sum()), len(pieces))
            if found != (self.input0.sizes[i] - 1, self.words.sizes[i] - 1):
                raise ValueError(
                    f"{where}: row {i + 1} in input0/, pieces/ and words/ is not the "
                    f"same sentence: {PREPARE_AGAIN}"
                )

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return one example; every value is one-dimensional.

        `tokens`: ids of the sentence. `word_starts`: index in it of each word's first
        subword, -1 for a word without. `words`: the words' ids in `parses.printed`.
        `prev_output_tokens`: `</s>` and the parse, the input of the decoder.
        `pointer_target`: the parse as the decoder should write it, padding where it
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
            "pointer_target": self._reachable(gold, starts),
            "target": parses.resolve(gold, words),
        }

    def _decoder_input(self, gold: Tensor) -> Tensor:
        """Put `</s>` first; symbols that the decoder does not know become `<unk>`."""
        outputs = self.parses.outputs
        shifted = torch.cat([gold[-1:], gold[:-1]])
        return shifted.masked_fill(shifted.ge(len(outputs)), outputs.unk())

    def _reachable(self, gold: Tensor, starts: Tensor) -> Tensor:
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
        """Batch as `collate_inputs`, and more, padded on the right.

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
    """Return where words begin.

    Args:
        pieces: `(num_words,)`, the number of subwords of each, after one `<s>`.
        end: index of `</s>`; words that would begin there or later were cut off.
    Returns:
        `(num_words,)` indices of first subwords; -1 where there is none.
    """
    starts = 1 + pieces.cumsum(0) - pieces
    return starts.masked_fill(pieces.eq(0) | starts.ge(end), _NO_WORD)
