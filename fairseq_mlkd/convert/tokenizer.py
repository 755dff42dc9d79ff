"""The tokenizer files of a Hugging Face folder."""

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fairseq_mlkd.convert.source import FETCH, Vocabulary, build_vocabulary
from fairseq_mlkd.files.json_objects import read_json
from fairseq_mlkd.text.sentencepieces import (
    MODEL_FILE,
    ModelProto,
    SentencePieces,
    read_model,
)
from fairseq_mlkd.text.wordpiece import VOCABULARY_FILE, WordPiece, read_vocabulary

_JSON_FILE = "tokenizer.json"
# in the places of <s> <pad> </s> <unk> <mask>
_BERT = ["[CLS]", "[PAD]", "[SEP]", "[UNK]", "[MASK]"]
_XLMR = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
# our option of WordPiece -> in tokenizer_config.json, in tokenizer.json, by default
_WORDPIECE_OPTIONS = {
    "lowercase": ("do_lower_case", "lowercase", True),
    "strip_accents": ("strip_accents", "strip_accents", None),
    "split_chinese": ("tokenize_chinese_chars", "handle_chinese_chars", True),
}
_WORDPIECE_MODEL = {"continuing_subword_prefix": "##", "max_input_chars_per_word": 100}


def read_tokenizer(folder: Path, config: Mapping[str, Any]) -> Vocabulary:
    """Read the tokenizer of a folder, a WordPiece or a unigram SentencePiece model.

    Args:
        folder: holds `tokenizer.json`, `vocab.txt` or `sentencepiece.bpe.model`; the
            first of them is read.
        config: what `config.json` holds.
    Raises:
        ValueError: none of them, or one that cannot be represented.
    """
    options_path = folder / "tokenizer_config.json"
    options = read_json(options_path, FETCH) if options_path.is_file() else {}
    for name, read in _READERS.items():
        path = folder / name
        if path.is_file():
            with _naming(path):
                return read(path, {**config, **options})
    raise ValueError(
        f"{folder}: no {_JSON_FILE}, {VOCABULARY_FILE} or {MODEL_FILE}: put the "
        "encoder's tokenizer there"
    )


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Have every refusal begin with the file that it is about."""
    try:
        yield
    except ValueError as error:
        text = str(error)
        named = text if text.startswith(str(path)) else f"{path}: {text}"
        raise ValueError(named) from None


def _from_json(path: Path, options: Mapping[str, Any]) -> Vocabulary:
    content = read_json(path, FETCH)
    try:
        model = content["model"]
        kind = model.get("type")
        added = {token["content"]: token["id"] for token in content["added_tokens"]}
        if kind == "WordPiece":
            _check_wordpiece(content)
            return _wordpiece(
                {**model["vocab"], **added}, options, content["normalizer"] or {}
            )
        if kind == "Unigram":
            scores = [(str(piece), float(score)) for piece, score in model["vocab"]]
            ids = {piece: i for i, (piece, _) in enumerate(scores)}
            proto = _build_model(scores, _charsmap(content["normalizer"]))
            return _sentencepiece(proto, {**ids, **added})
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"not a tokenizer ({error!r})") from None
    raise ValueError(
        f"a tokenizer of type {kind}; only WordPiece and Unigram are supported"
    )


def _from_vocabulary(path: Path, options: Mapping[str, Any]) -> Vocabulary:
    pieces = read_vocabulary(str(path))
    return _wordpiece({piece: i for i, piece in enumerate(pieces)}, options, {})


def _wordpiece(
    ids: dict[str, int], options: Mapping[str, Any], normaliser: Mapping[str, Any]
) -> Vocabulary:
    chosen = {
        ours: options.get(in_options, normaliser.get(in_json, default))
        for ours, (in_options, in_json, default) in _WORDPIECE_OPTIONS.items()
    }
    subwords = WordPiece(sorted(ids, key=ids.__getitem__), **chosen)
    return build_vocabulary(subwords, ids, _BERT, has_segments=True)


def _check_wordpiece(content: Mapping[str, Any]) -> None:
    for key, value in _WORDPIECE_MODEL.items():
        if content["model"].get(key, value) != value:
            raise ValueError(f"{key} is not {value!r}: this is not BERT's WordPiece")
    for part, kind in (
        ("normalizer", "BertNormalizer"),
        ("pre_tokenizer", "BertPreTokenizer"),
    ):
        found = (content[part] or {}).get("type")
        if found != kind:
            raise ValueError(f"the {part} is {found}, not BERT's {kind}")


def _from_model(path: Path, options: Mapping[str, Any]) -> Vocabulary:
    # only XLM-R's tokenizer is known to number the pieces of the model as it does
    name = str(options.get("tokenizer_class") or options.get("model_type"))
    if not name.lower().replace("-", "").startswith("xlmroberta"):
        raise ValueError(f"goes with the tokenizer {name}, not XLMRobertaTokenizer")
    model = read_model(str(path))
    pieces = [piece.piece for piece in model.pieces]
    if set(pieces[:3]) != {"<unk>", "<s>", "</s>"}:
        raise ValueError("its first pieces are not <unk>, <s> and </s>")
    ordered = [*_XLMR[:4], *pieces[3:], _XLMR[4]]
    if len(set(ordered)) < len(ordered):
        raise ValueError("a piece stands there twice")
    return _sentencepiece(model, {piece: i for i, piece in enumerate(ordered)})


def _sentencepiece(model: ModelProto, ids: dict[str, int]) -> Vocabulary:
    return build_vocabulary(SentencePieces(model), ids, _XLMR, has_segments=False)


def _build_model(scores: list[Any], charsmap: bytes) -> ModelProto:
    model = ModelProto()
    for piece, score in scores:
        if piece not in _XLMR:
            model.pieces.add(piece=piece, score=score)
    model.normalizer_spec.precompiled_charsmap = charsmap
    return model


def _charsmap(normaliser: Any) -> bytes:
    charsmap = b""
    for step in _steps(normaliser):
        if step["type"] == "Precompiled":
            charsmap = base64.b64decode(step["precompiled_charsmap"])
        elif step["type"] not in ("Replace", "Strip"):  # of spaces, between words
            raise ValueError(f"the normalizer {step['type']} is not supported")
    return charsmap


def _steps(normaliser: Any) -> Iterator[Mapping[str, Any]]:
    if normaliser and normaliser["type"] == "Sequence":
        for step in normaliser["normalizers"]:
            yield from _steps(step)
    elif normaliser:
        yield normaliser


_READERS = {
    _JSON_FILE: _from_json,
    VOCABULARY_FILE: _from_vocabulary,
    MODEL_FILE: _from_model,
}
