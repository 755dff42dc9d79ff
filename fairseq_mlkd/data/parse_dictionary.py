"""The symbols of parses, and the words that pointers in them stand for."""

import copy
import os

import torch
from fairseq.data import Dictionary
from torch import Tensor

from fairseq_mlkd.text.pointers import pointer, pointer_position


class ParseDictionary:
    """Three dictionaries whose ids agree.

    `symbols` is the one of the targets. Its beginning is `outputs`, what a model can
    say: the symbols of the training data, then the pointers at words 0, 1, ... Behind
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
                "...: prepare the data again"
            )
        self.printed = copy.deepcopy(symbols)
        self.printed.symbols += words.symbols[words.nspecial :]
        self.printed.count += words.count[words.nspecial :]
        self._first_word = len(symbols) - words.nspecial

    def print_words(self, words: Tensor) -> Tensor:
        """Ids of words -> their ids in `printed`."""
        return words + self._first_word

    def find_pointers(self, tokens: Tensor) -> Tensor:
        """True where a pointer stands."""
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
        """Ids in `printed` -> symbols and words; padding and `</s>` are left out."""
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
        raise ValueError(f"{path} is missing; prepare the data again")
    pairs = []
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            pair = line.split()
            if len(pair) != 2:
                raise ValueError(
                    f"{path}: line {number} is not an intent and a slot; prepare the "
                    "data again"
                )
            pairs.append((pair[0], pair[1]))
    return pairs
