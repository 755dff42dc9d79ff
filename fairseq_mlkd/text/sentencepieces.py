"""SentencePiece's unigram models (Kudo and Richardson, 2018), by `tokenizers`."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf.message import DecodeError
from sentencepiece import SentencePieceTrainer
from sentencepiece.sentencepiece_model_pb2 import (  # type: ignore[attr-defined]
    ModelProto,
    TrainerSpec,
)
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from fairseq_mlkd.files.writing import replace_on_success
from fairseq_mlkd.remedies import FETCH_AGAIN
from fairseq_mlkd.text.segmentation import UNKNOWN, Subwords

MODEL_FILE = "sentencepiece.bpe.model"
_PIECE_TYPES = ModelProto.SentencePiece
# what parts words, unless the model's normalisation deletes it
_CONTROL_SPACES = "\t\n\x0b\x0c\r\x85"
_SPACES = re.compile(r"[^\S\x1c-\x1f]+")  # Unicode's white space, less than Python's


class SentencePieces(Subwords):
    """A unigram language model over pieces; a word's first piece begins with U+2581.

    Of two ways to cut a word that are equally likely, `tokenizers` (so `transformers`)
    and SentencePiece's own library may choose different ones; this is the former. Text
    that looks like a special symbol (`</s>`) is text like any other.

    Args:
        model: what `read_model` returned.
    """

    kind = "sentencepiece"

    def __init__(self, model: ModelProto) -> None:
        super().__init__()
        self.model = model
        unigrams = models.Unigram([(UNKNOWN, 0.0), *self.scores().items()], unk_id=0)
        self._tokenizer = Tokenizer(unigrams)
        charsmap = model.normalizer_spec.precompiled_charsmap
        if charsmap:
            self._tokenizer.normalizer = normalizers.Precompiled(charsmap)
        self._tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
        )
        self._deleted = {ord(c): None for c in _CONTROL_SPACES if self._deletes(c)}

    def scores(self) -> dict[str, float]:
        """Return the log probability of every piece; special symbols have none."""
        special = (_PIECE_TYPES.UNKNOWN, _PIECE_TYPES.CONTROL)
        return {p.piece: p.score for p in self.model.pieces if p.type not in special}

    def _deletes(self, character: str) -> bool:
        return self.cut(f"a{character}b") == self.cut("ab")

    def words(self, text: str) -> list[str]:
        return list(filter(None, _SPACES.split(text.translate(self._deleted))))

    def cut(self, word: str) -> list[str]:
        found = self._tokenizer.encode(word, add_special_tokens=False)
        return [piece if i else UNKNOWN for i, piece in zip(found.ids, found.tokens)]

    def save(self, folder: str) -> dict[str, Any]:
        path = os.path.join(folder, MODEL_FILE)
        with replace_on_success(path) as partial, open(partial, "wb") as file:
            file.write(self.model.SerializeToString())
        return {"model": MODEL_FILE}

    @classmethod
    def load(cls, folder: str, settings: Mapping[str, Any]) -> SentencePieces:
        return cls(read_model(os.path.join(folder, settings["model"])))


def learn_sentencepieces(word_counts: Mapping[str, int], n: int, path: str) -> None:
    """Learn a unigram model of at most `n` pieces and write it to `path`.

    One thread, so that equal counts give equal bytes. Words are taken as they are: the
    tokenizer has normalised them. The rarest characters, 0.05% of the text, get no
    piece (SentencePiece's default).

    Raises:
        ValueError: there is too little text, or `n` is too small for its characters.
    """
    model = io.BytesIO()
    lines = (f"{word}\t{count}" for word, count in sorted(word_counts.items()))
    try:
        SentencePieceTrainer.train(
            sentence_iterator=lines,
            input_format="tsv",
            model_writer=model,
            vocab_size=n,
            hard_vocab_limit=False,
            normalization_rule_name="identity",
            num_threads=1,
            minloglevel=2,
        )
    except RuntimeError as error:
        reason = str(error).rpartition("]")[2].strip() or "too little text"
        raise ValueError(
            f"{n} pieces cannot be learnt from {len(word_counts)} different words "
            f"({reason}); give more text or ask for more pieces"
        ) from None
    with replace_on_success(path) as partial, open(partial, "wb") as file:
        file.write(model.getvalue())


def read_model(path: str) -> ModelProto:
    """Read the file that SentencePiece's trainer wrote.

    Raises:
        ValueError: no such file, or a model of another type.
    """
    try:
        with open(path, "rb") as file:
            model = ModelProto.FromString(file.read())
    except (OSError, DecodeError) as error:
        raise ValueError(
            f"{path}: not a SentencePiece model ({error}); {FETCH_AGAIN}"
        ) from None
    if not model.pieces:
        raise ValueError(f"{path}: a SentencePiece model without pieces")
    if model.trainer_spec.model_type != TrainerSpec.UNIGRAM:
        raise ValueError(f"{path}: not a unigram model; others are not supported")
    try:
        check_charsmap(model.normalizer_spec.precompiled_charsmap)
    except ValueError as error:
        raise ValueError(f"{path}: {error}; {FETCH_AGAIN}") from None
    for piece in model.pieces:
        if piece.type == _PIECE_TYPES.USER_DEFINED:
            raise ValueError(
                f"{path}: the user-defined symbol {piece.piece!r} is not supported"
            )
    return model


def build_model(pieces: Iterable[tuple[str, float]], charsmap: bytes) -> ModelProto:
    """Return a model of pieces with their log-probabilities, for `SentencePieces`.

    Args:
        charsmap: the table of normalisation, as SentencePiece compiles it; may be
            empty.
    """
    model = ModelProto()
    for piece, score in pieces:
        model.pieces.add(piece=piece, score=score)
    model.normalizer_spec.precompiled_charsmap = charsmap
    return model


def check_charsmap(charsmap: bytes) -> None:
    """Refuse a table of normalisation for which the library would take any memory.

    Raises:
        ValueError: it does not hold the trie whose size it begins with.
    """
    size = int.from_bytes(charsmap[:4], "little")
    if charsmap and (size % 4 or not 0 < size <= len(charsmap) - 4):
        raise ValueError("its table of normalisation (precompiled_charsmap) is damaged")
