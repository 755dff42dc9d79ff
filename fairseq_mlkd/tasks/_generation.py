"""Hypotheses and typed text, for fairseq-generate and fairseq-interactive."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from fairseq import utils
from fairseq.data import Dictionary, FairseqDataset
from fairseq.models import BaseFairseqModel
from torch import Tensor

from fairseq_mlkd.data.binary import BinaryWriter, encode_line
from fairseq_mlkd.data.dictionary import load_dictionary
from fairseq_mlkd.data.folders import INPUT0, INPUT1, PIECES
from fairseq_mlkd.data.multilingual_dataset import MultilingualDataset
from fairseq_mlkd.distillation.contract import Supervision
from fairseq_mlkd.text.dictionary import MASK
from fairseq_mlkd.text.tokenizer import SETTINGS_FILE, Tokenizer

Hypotheses = list[list[dict[str, Any]]]  # of each sentence, best first

_ANY_ID = 1 << 20  # above all numbers that are written of typed text


def ensemble_log_probs(
    models: Sequence[BaseFairseqModel],
    sample: dict[str, Any],
    supervision: Supervision,
) -> dict[str, Tensor]:
    """Return the logarithms of the models' mean probabilities, head -> `(n, classes)`.

    Args:
        supervision: the places of each head; of its targets, the names alone matter.
    """
    inputs, places = sample["net_input"], supervision.places
    logits = [model(**inputs, heads=places)[0] for model in models]
    probs = {
        head: torch.stack([torch.softmax(one[head].float(), -1) for one in logits])
        for head in supervision.targets
    }
    return {head: p.mean(dim=0).log() for head, p in probs.items()}


def hypothesis(tokens: Tensor, lprobs: Tensor) -> dict[str, Any]:
    """Return a hypothesis of `(n,)` labels, given their natural log probabilities."""
    return {
        "tokens": tokens,
        "score": lprobs.sum().item(),
        "attention": None,
        "alignment": torch.empty(0),
        "positional_scores": lprobs.clone(),
    }


class TypedDataset(MultilingualDataset):
    """Text that is typed in one language; it remembers the batch under way.

    fairseq-interactive passes on the subwords of a batch alone, so `complete` gives it
    the rest again.
    """

    def __init__(self, dataset: FairseqDataset, lang: str) -> None:
        super().__init__({lang: dataset})
        self._batch: dict[str, Any] = {}

    def collater(self, samples: list[dict[str, Any]]) -> dict[str, Any]:
        self._batch = super().collater(samples)
        return self._batch

    def complete(self, sample: dict[str, Any]) -> dict[str, Any]:
        """Return the batch under way, on the device of `sample`, its subwords."""
        is_on_gpu = sample["net_input"]["src_tokens"].is_cuda
        batch: dict[str, Any] = (
            utils.move_to_cuda(self._batch) if is_on_gpu else self._batch
        )
        return batch


class TextReader:
    """Cuts typed text as the data were cut.

    Args:
        folder: `--text-tokenizer`, a folder that mlkd-corpus or mlkd-import wrote;
            None: the data folder, where it holds a tokenizer.
        data: the data folder.
        dictionary: the symbols of the input, `<mask>` the last.
        lang: the language of the text.
    Raises:
        ValueError: there is no tokenizer, or one of another dictionary.
    """

    def __init__(
        self, folder: str | None, data: str, dictionary: Dictionary, lang: str
    ) -> None:
        if folder is None and not os.path.isfile(os.path.join(data, SETTINGS_FILE)):
            raise ValueError(
                f"{data} holds no tokenizer ({SETTINGS_FILE}) to cut text with: give "
                "--text-tokenizer, the folder that its data were prepared with"
            )
        folder = folder or data
        theirs = load_dictionary(folder, remedy="name another --text-tokenizer")
        theirs.add_symbol(MASK)
        if theirs != dictionary:
            raise ValueError(
                f"--text-tokenizer {folder}: its dict.txt is not that of {data}: give "
                "the folder that its data were prepared with"
            )
        self.tokenizer = Tokenizer.load(folder)
        self.dictionary, self.lang = dictionary, lang

    def sentence(self, text: str) -> list[int]:
        """Return the ids of a text, `</s>` at the end."""
        symbols = self.tokenizer.tokenize(text, self.lang)
        return encode_line(self.dictionary, symbols)

    def masked_sentence(self, text: str) -> list[int]:
        """Return the ids of a text in which `<mask>` stands for itself."""
        first, *others = [
            self.tokenizer.tokenize(part, self.lang) for part in text.split(MASK)
        ]
        symbols = first + [s for part in others for s in (MASK, *part)]
        return encode_line(self.dictionary, symbols)

    def pair(self, text: str) -> dict[str, list[int]]:
        """Return the inputs of two sentences with a tab between them.

        Raises:
            ValueError: there is no tab, or more than one.
        """
        sentences = text.split("\t")
        if len(sentences) != 2:
            raise ValueError(
                f"{text!r}: type two sentences per line, with a tab between them"
            )
        return dict(zip((INPUT0, INPUT1), map(self.sentence, sentences)))

    def words(self, text: str) -> tuple[list[str], dict[str, list[int]]]:
        """Return the words of a text, as white space delimits them, and the inputs.

        Raises:
            ValueError: there are none.
        """
        words = text.split()
        if not words:
            raise ValueError("a line without words has no labels: type some")
        symbols, owners = self.tokenizer.tokenize_words(words, self.lang)
        pieces = Counter(owners)
        return words, {
            INPUT0: encode_line(self.dictionary, symbols),
            PIECES: [pieces[i] for i in range(len(words))],
        }


def write_rows(
    folder: str, subset: str, rows: Sequence[Mapping[str, Sequence[int]]]
) -> None:
    """Write rows as `mlkd-benchmark` does, so that they are read as those of data are.

    Args:
        rows: each with the numbers of its folders (`data/folders.py`).
    """
    for name in rows[0]:
        with BinaryWriter(os.path.join(folder, name, subset), _ANY_ID) as writer:
            for row in rows:
                writer.add(row[name])
