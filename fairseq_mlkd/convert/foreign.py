"""An encoder of another toolkit, as `mlkd-import` finds it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from fairseq_mlkd.convert.heads import FoundHead
from fairseq_mlkd.convert.naming import EmbeddingOrder, Names, Weights
from fairseq_mlkd.models.multilingual_encoder import MultilingualEncoderConfig
from fairseq_mlkd.text.dictionary import SPECIAL, WITH_MASK
from fairseq_mlkd.text.segmentation import Subwords
from fairseq_mlkd.text.tokenizer import Tokenizer


class Vocabulary(NamedTuple):
    """A source's way to cut text, and the rows of its embeddings."""

    tokenizer: Tokenizer
    symbols: list[str]  # in the order of dict.txt, special symbols left out
    # of <s> <pad> </s> <unk>, the symbols and <mask>: with rows of embeddings in this
    # order ids are those of a fairseq dictionary
    rows: list[int]
    has_segments: bool  # whether the tokenizer tells segments
    note: str = ""  # what was guessed

    def encode(self, text: str) -> list[int]:
        """Return the source's own ids of a text between its `<s>` and `</s>`."""
        ids = dict(zip([*SPECIAL, *self.symbols], self.rows))
        pieces = self.tokenizer.tokenize(text, "en")
        inner = [ids.get(piece, ids["<unk>"]) for piece in pieces]
        return [ids["<s>"], *inner, ids["</s>"]]


class ForeignEncoder(NamedTuple):
    """The contents of a folder or checkpoint of another toolkit."""

    cfg: MultilingualEncoderConfig
    first_position: int  # row of the position embeddings that a sentence begins with
    tensors: Weights
    names: Names
    vocabulary: Vocabulary
    head: FoundHead | None = None  # that was fine-tuned

    @property
    def order(self) -> EmbeddingOrder:
        """The names of its embeddings."""
        return EmbeddingOrder(
            self.vocabulary.rows, self.first_position, bool(self.cfg.num_segments)
        )


def check_fixed(options: Mapping[str, Any], fixed: Mapping[str, Any]) -> None:
    """Refuse an option that is there and has another value than ours must have.

    Raises:
        ValueError: naming the first one.
    """
    for key, value in fixed.items():
        if options.get(key, value) != value:
            raise ValueError(f"{key} is {options[key]!r}; only {value!r} is supported")


def build_vocabulary(
    subwords: Subwords,
    ids: Mapping[str, int],
    special: list[str],
    *,
    has_segments: bool,
) -> Vocabulary:
    """Bring a vocabulary into the order of a fairseq dictionary.

    fairseq's dictionaries begin with `<s> <pad> </s> <unk>`, and tasks put `<mask>`
    last. XLM-R has this order already; of WordPiece, `[CLS] [PAD] [SEP] [UNK] [MASK]`
    move to these places and the other pieces close up.

    Args:
        ids: symbol -> the row of its embedding.
        special: the five symbols in the order of the above.
    Raises:
        ValueError: one of these is missing, or a symbol is called like one of ours, or
            stands where `dict.txt` cannot hold it.
    """
    missing = [symbol for symbol in special if symbol not in ids]
    if missing:
        raise ValueError(f"the vocabulary lacks {missing[0]}")
    symbols = [s for s in sorted(ids, key=ids.__getitem__) if s not in special]
    for symbol in symbols:
        if symbol in WITH_MASK:
            raise ValueError(f"the vocabulary holds {symbol} as an ordinary piece")
        if "\n" in symbol or "\r" in symbol:
            raise ValueError(
                f"the vocabulary holds {symbol!r}, which dict.txt cannot hold"
            )
    ordered = [*special[:4], *symbols, special[4]]
    rows = [ids[symbol] for symbol in ordered]
    return Vocabulary(Tokenizer(subwords, "none"), symbols, rows, has_segments)
