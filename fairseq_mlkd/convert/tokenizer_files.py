"""The tokenizer files of a Hugging Face folder.

Each kind of file gives one or two candidates, our own form of the tokenizer first, and
the first one that gives the ids of the source's own tokenizer is taken.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tokenizers import (
    AddedToken,
    Tokenizer,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)

from fairseq_mlkd.convert.agreement import choose, class_name
from fairseq_mlkd.convert.foreign import Vocabulary, build_vocabulary
from fairseq_mlkd.files.json_objects import read_json
from fairseq_mlkd.remedies import FETCH_AGAIN
from fairseq_mlkd.text.dictionary import MASK, WITH_MASK
from fairseq_mlkd.text.sentencepieces import (
    MODEL_FILE,
    SentencePieces,
    build_model,
    read_model,
)
from fairseq_mlkd.text.whole_tokenizer import (
    TOKENIZER_FILE,
    WholeTokenizer,
    charsmaps,
    guarded,
)
from fairseq_mlkd.text.wordpiece import VOCABULARY_FILE, WordPiece, read_vocabulary

_BPE_FILE, _MERGES_FILE = "vocab.json", "merges.txt"
# in the places of <s> <pad> </s> <unk> <mask>
_BERT = ["[CLS]", "[PAD]", "[SEP]", "[UNK]", "[MASK]"]
_ROLES = [
    ("cls_token", "bos_token"),
    ("pad_token",),
    ("sep_token", "eos_token"),
    ("unk_token",),
    ("mask_token",),
]
# our option of WordPiece -> in tokenizer_config.json, in tokenizer.json, by default
_WORDPIECE_OPTIONS = {
    "lowercase": ("do_lower_case", "lowercase", True),
    "strip_accents": ("strip_accents", "strip_accents", None),
    "split_chinese": ("tokenize_chinese_chars", "handle_chinese_chars", True),
}
_WORDPIECE_MODEL = {"continuing_subword_prefix": "##", "max_input_chars_per_word": 100}
# whose tokenizers keep their pieces in vocab.txt as BERT's does
_WORDPIECES = ("bert", "distilbert", "electra")
# tokenizers of SentencePiece models -> where their pieces begin, and what stands before
_FIRST_PIECES = {
    "xlmroberta": (3, ["<s>", "<pad>", "</s>", "<unk>"]),
    "camembert": (0, ["<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>"]),
}
_WITH_SEGMENTS = ("bert", "electra")
_CASED = 0.001  # share of pieces with capitals from which on a vocabulary is cased

Options = Mapping[str, Any]
Candidates = Iterator[Callable[[], Vocabulary]]


def read_tokenizer(
    folder: Path, config: Options, *, cased: bool | None = None
) -> Vocabulary:
    """Read the tokenizer of a folder.

    Args:
        folder: holds `tokenizer.json`, `vocab.txt`, `sentencepiece.bpe.model`, or
            `vocab.json` and `merges.txt`; the first of them is read.
        config: what `config.json` holds.
        cased: whether text keeps its capitals; None: as the files say, or, if they do
            not, as the vocabulary suggests.
    Raises:
        ValueError: none of them, or one that cannot be represented.
    """
    options, note = _read_options(folder, config), ""
    for name, find in _FINDERS.items():
        path = folder / name
        if path.is_file():
            with _naming(path):
                _check_file(path)
                if cased is not None:
                    options["do_lower_case"] = not cased
                elif "do_lower_case" not in options:
                    note = _guess_case(path, options)
                chosen = choose(folder, options, find(path, options))
                return chosen._replace(note=note)
    raise ValueError(
        f"{folder}: no {TOKENIZER_FILE}, {VOCABULARY_FILE}, {MODEL_FILE} or "
        f"{_BPE_FILE}: put the encoder's tokenizer there"
    )


def _read_options(folder: Path, config: Options) -> dict[str, Any]:
    options = dict(config)
    symbols, settings = (
        read_json(folder / name, FETCH_AGAIN) if (folder / name).is_file() else {}
        for name in ("special_tokens_map.json", "tokenizer_config.json")
    )
    options.update((key, x) for key, x in symbols.items() if key.endswith("_token"))
    options.update(settings)
    return options


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Have every refusal begin with the file that it is about."""
    try:
        yield
    except ValueError as error:
        text = str(error)
        named = text if text.startswith(str(path.parent)) else f"{path}: {text}"
        raise ValueError(named) from None


def _check_file(path: Path) -> None:
    """Read a file by ourselves before a library does, which trusts what it says."""
    if path.name == MODEL_FILE:
        read_model(str(path))
    if path.name == TOKENIZER_FILE:
        try:
            list(charsmaps(read_json(path, FETCH_AGAIN).get("normalizer")))
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"not a tokenizer ({error!r})") from None


# --- the candidates of each file, best first


def _from_json(path: Path, options: Options) -> Candidates:
    content = read_json(path, FETCH_AGAIN)
    try:
        model, added = content["model"], content["added_tokens"] or []
        kind = model.get("type")
        names = [token["content"] for token in added]
        special = _special_symbols(options, names)
        is_plain = set(names) <= set(special)
        if kind == "WordPiece" and is_plain and _is_wordpiece(content):
            yield lambda: _wordpiece(model["vocab"], options, content["normalizer"])
        if kind == "Unigram" and is_plain:
            pieces = [(str(piece), float(score)) for piece, score in model["vocab"]]
            ids = {piece: i for i, (piece, _) in enumerate(pieces)}
            ids.update({token["content"]: token["id"] for token in added})
            charsmap = _charsmap(content["normalizer"])
            ours = [pair for pair in pieces if pair[0] not in WITH_MASK]
            model_of = build_model(ours, charsmap)
            yield lambda: _sentencepiece(SentencePieces(model_of), ids)
        yield lambda: _whole(_with_options(content, options), special, options)
        # `transformers` builds these anew from their vocabulary
        if kind == "WordPiece" and is_plain and class_name(options) in _WORDPIECES:
            yield lambda: _wordpiece(model["vocab"], options, {})
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"not a tokenizer ({error!r})") from None


def _from_vocabulary(path: Path, options: Options) -> Candidates:
    name = class_name(options)
    if name not in _WORDPIECES:
        raise ValueError(_wrong_class(options, "of BERT, DistilBERT and ELECTRA"))
    pieces = read_vocabulary(str(path))
    ids = {piece: i for i, piece in enumerate(pieces)}
    added = _added_tokens(path.parent, options, ids)
    if not added:
        yield lambda: _wordpiece(ids, options, {})
        return
    content = _build_wordpiece(ids, options, {}).describe()
    yield lambda: _whole(_complete(content, added, _BERT), _BERT, options)


def _from_model(path: Path, options: Options) -> Candidates:
    # only these tokenizers are known to number the pieces of the model as they do
    name = class_name(options)
    if name not in _FIRST_PIECES:
        raise ValueError(_wrong_class(options, "of XLM-R and CamemBERT"))
    model = read_model(str(path))
    pieces = [(piece.piece, piece.score) for piece in model.pieces]
    if {piece for piece, _ in pieces[:3]} != {"<unk>", "<s>", "</s>"}:
        raise ValueError("its first pieces are not <unk>, <s> and </s>")
    first, before = _FIRST_PIECES[name]
    rest = [
        (f"{p}NOTUSED" if p == "<unk>" else p, score) for p, score in pieces[first:]
    ]
    numbered = [*((symbol, 0.0) for symbol in before), *rest, (MASK, 0.0)]
    ids = {piece: i for i, (piece, _) in enumerate(numbered)}
    if len(ids) < len(numbered):
        raise ValueError("a piece stands there twice")
    added = _added_tokens(path.parent, options, ids)
    if not added:
        yield lambda: _sentencepiece(SentencePieces(model), ids)
        return
    unigrams = Tokenizer(models.Unigram(numbered, unk_id=ids["<unk>"]))
    charsmap = model.normalizer_spec.precompiled_charsmap
    if charsmap:
        unigrams.normalizer = normalizers.Precompiled(charsmap)
    unigrams.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    content = _complete(json.loads(unigrams.to_str()), added, WITH_MASK)
    yield lambda: _whole(content, WITH_MASK, options)


def _from_merges(path: Path, options: Options) -> Candidates:
    """Read RoBERTa's byte-level BPE."""
    if class_name(options) != "roberta":
        raise ValueError(_wrong_class(options, "of RoBERTa"))
    ids = read_json(path, FETCH_AGAIN)
    merges_path = path.with_name(_MERGES_FILE)
    if not merges_path.is_file():
        raise ValueError(f"{merges_path} is missing; {FETCH_AGAIN}")
    bpe = guarded(lambda: models.BPE.from_file(str(path), str(merges_path)))
    tokenizer = Tokenizer(bpe)
    prefix = bool(options.get("add_prefix_space", False))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    special = _special_symbols(options, list(ids))
    missing = [symbol for symbol in special if symbol not in ids]
    if missing:
        raise ValueError(f"the vocabulary lacks {missing[0]}")
    tokenizer.post_processor = processors.RobertaProcessing(
        (special[2], ids[special[2]]), (special[0], ids[special[0]]), True, prefix
    )
    added = _added_tokens(path.parent, options, ids)
    content = _complete(json.loads(tokenizer.to_str()), added, special)
    yield lambda: _whole(content, special, options)


_FINDERS: dict[str, Callable[[Path, Options], Candidates]] = {
    TOKENIZER_FILE: _from_json,
    VOCABULARY_FILE: _from_vocabulary,
    MODEL_FILE: _from_model,
    _BPE_FILE: _from_merges,
}


# --- options


def _guess_case(path: Path, options: dict[str, Any]) -> str:
    """Set `do_lower_case` by a vocabulary without options; return a line about it.

    Raises:
        ValueError: `tokenizer.json` says what `transformers` does not do without it.
    """
    if path.name == TOKENIZER_FILE:
        normaliser = read_json(path, FETCH_AGAIN).get("normalizer")
        says = isinstance(normaliser, dict) and normaliser.get("lowercase")
        if says is False and class_name(options) in _WORDPIECES:
            raise ValueError(
                "keeps capitals, but transformers does not, as no do_lower_case in "
                "tokenizer_config.json says so: choose with --cased or --uncased"
            )
    if path.name != VOCABULARY_FILE or class_name(options) not in _WORDPIECES:
        return ""
    pieces = read_vocabulary(str(path))
    capitals = sum(p != p.lower() and not p.startswith("[") for p in pieces)
    options["do_lower_case"] = capitals < _CASED * len(pieces)
    what, other = ("lower-cased", "--cased")
    if not options["do_lower_case"]:
        what, other = ("left in its case", "--uncased")
    return (
        f"case: no tokenizer_config.json tells; {capitals:,} of {len(pieces):,} pieces "
        f"have capitals, so text is {what} ({other}: it is not)"
    )


def _wrong_class(options: Options, known: str) -> str:
    name = options.get("tokenizer_class") or options.get("model_type")
    return f"goes with the tokenizer {name}; only those {known} are supported"


def _special_symbols(options: Options, known: list[str]) -> list[str]:
    """Return the symbols for `<s> <pad> </s> <unk> <mask>`, by option or as usual."""
    usual = _BERT if set(_BERT) <= set(known) else list(WITH_MASK)
    found = []
    for roles, symbol in zip(_ROLES, usual):
        named = next((options[role] for role in roles if options.get(role)), symbol)
        found.append(named["content"] if isinstance(named, dict) else named)
    return [str(symbol) for symbol in found]


def _added_tokens(
    folder: Path, options: Options, ids: Mapping[str, int]
) -> list[tuple[int, AddedToken]]:
    """Return the tokens that somebody added to a vocabulary, by their number."""
    found: dict[int, AddedToken] = {}
    path = folder / "added_tokens.json"
    if path.is_file():
        for token, number in read_json(path, FETCH_AGAIN).items():
            found[_whole_number(number)] = AddedToken(token)
    described = options.get("added_tokens_decoder") or {}
    try:
        for number, token in described.items():
            found[_whole_number(int(number))] = AddedToken(
                token["content"],
                **{
                    name: bool(token[name])
                    for name in ("single_word", "lstrip", "rstrip", "normalized")
                    if name in token
                },
            )
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"added_tokens_decoder is damaged ({error!r})") from None
    return sorted(
        ((i, token) for i, token in found.items() if token.content not in ids),
        key=lambda pair: pair[0],
    )


def _whole_number(number: Any) -> int:
    if type(number) is not int or number < 0:
        raise ValueError(f"an added token has the number {number!r}")
    return number


def _complete(
    content: dict[str, Any], added: list[tuple[int, AddedToken]], special: Any
) -> dict[str, Any]:
    """Add tokens to what `tokenizer.json` would hold."""
    tokenizer = guarded(lambda: Tokenizer.from_str(json.dumps(content)))
    tokenizer.add_special_tokens(list(special))
    for number, token in added:
        tokenizer.add_tokens([token])
        if tokenizer.token_to_id(token.content) != number:
            raise ValueError(
                f"the added token {token.content!r} has the number {number}, but "
                f"{tokenizer.token_to_id(token.content)} is the next one"
            )
    completed: dict[str, Any] = json.loads(tokenizer.to_str())
    return completed


# --- forms


def _whole(content: Options, special: Any, options: Options) -> Vocabulary:
    subwords = WholeTokenizer(content, special)
    has_segments = class_name(options) in _WITH_SEGMENTS or (
        options.get("model_type") in _WITH_SEGMENTS
    )
    return build_vocabulary(
        subwords, subwords.ids, list(special), has_segments=has_segments
    )


def _wordpiece(
    ids: Mapping[str, int], options: Options, normaliser: Mapping[str, Any]
) -> Vocabulary:
    subwords = _build_wordpiece(ids, options, normaliser)
    has_segments = options.get("model_type") in _WITH_SEGMENTS
    return build_vocabulary(subwords, ids, _BERT, has_segments=has_segments)


def _build_wordpiece(
    ids: Mapping[str, int], options: Options, normaliser: Mapping[str, Any]
) -> WordPiece:
    chosen = {
        ours: options.get(in_options, normaliser.get(in_json, default))
        for ours, (in_options, in_json, default) in _WORDPIECE_OPTIONS.items()
    }
    return WordPiece(sorted(ids, key=ids.__getitem__), **chosen)


def _with_options(content: dict[str, Any], options: Options) -> dict[str, Any]:
    """Have `tokenizer_config.json` decide, as it does in `transformers`."""
    normaliser = content["normalizer"]
    if (normaliser or {}).get("type") != "BertNormalizer":
        return content
    chosen = {
        in_json: options[in_options]
        for in_options, in_json, _ in _WORDPIECE_OPTIONS.values()
        if in_options in options
    }
    return {**content, "normalizer": {**normaliser, **chosen}}


def _is_wordpiece(content: Options) -> bool:
    """Return whether it is BERT's, which differs in what stands around a text."""
    model = content["model"]
    kinds = {"normalizer": "BertNormalizer", "pre_tokenizer": "BertPreTokenizer"}
    return all(model.get(key, v) == v for key, v in _WORDPIECE_MODEL.items()) and all(
        (content.get(part) or {}).get("type") == kind for part, kind in kinds.items()
    )


def _sentencepiece(subwords: SentencePieces, ids: Mapping[str, int]) -> Vocabulary:
    return build_vocabulary(subwords, ids, list(WITH_MASK), has_segments=False)


def _charsmap(normaliser: Any) -> bytes:
    """Return a normaliser's table; the comparison shows whether the rest matters."""
    return next(charsmaps(normaliser), b"")
