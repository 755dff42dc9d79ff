"""Our subwords as `tokenizer.json`: the same ids as in training, and no code of ours.

The spoken form cannot live there: such a tokenizer is for text that has it already.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

from fairseq_mlkd.text.bpe_learner import WORD_END
from fairseq_mlkd.text.dictionary import BOS, EOS, MASK, UNK, WITH_MASK
from fairseq_mlkd.text.segmentation import UNKNOWN
from fairseq_mlkd.text.sentencepieces import SentencePieces
from fairseq_mlkd.text.subwords import BpeCodes
from fairseq_mlkd.text.tokenizer import Tokenizer as OurTokenizer
from fairseq_mlkd.text.whole_tokenizer import WholeTokenizer
from fairseq_mlkd.text.wordpiece import LONGEST_WORD, WordPiece

# what a WordPiece vocabulary calls the special symbols
_BERT = {"<s>": "[CLS]", "<pad>": "[PAD]", "</s>": "[SEP]", UNKNOWN: "[UNK]"}
_BERT[MASK] = "[MASK]"
_NEVER = -1e6  # score of a piece that no text is cut into
_PYTHONS_SPACES = r"[\s\x1c-\x1f\x85\p{Z}]+"
_END_OF_SPECIAL = "(?<=<s|</s|<pad|<mask)>"
_PROBES = [
    "",
    "a b",
    "</s> <s> x<mask>y <pad> <unk>",
    "[CLS] [SEP] a[MASK]b [UNK] [PAD]",
    "x" * 150,
    "l'eau 12 3,5 well-known naïve 日本語 का है",
]


class Exported(NamedTuple):
    """A tokenizer of the library `tokenizers`."""

    tokenizer: Tokenizer
    extra: int  # ids above the dictionary: pieces that it lacks, so `<unk>`
    names: dict[str, str]  # our special symbols -> theirs


def build_tokenizer(ours: OurTokenizer, symbols: list[str]) -> Exported:
    """Build the tokenizer whose ids are those of `symbols`.

    Args:
        ours: the subwords of training.
        symbols: the dictionary, `<mask>` among them.
    Raises:
        ValueError: subwords that `tokenizers` cannot cut alike.
    """
    subwords = ours.subwords
    names = {symbol: symbol for symbol in WITH_MASK}
    if isinstance(subwords, WordPiece):
        names = _BERT
        tokenizer, extra = _wordpiece(subwords, [names.get(s, s) for s in symbols])
    elif isinstance(subwords, SentencePieces):
        tokenizer, extra = _unigram(subwords, symbols)
    elif isinstance(subwords, BpeCodes):
        tokenizer, extra = _codes(subwords, symbols)
    elif isinstance(subwords, WholeTokenizer):
        names = dict(zip(WITH_MASK, subwords.special))
        tokenizer, extra = _whole(subwords, [names.get(s, s) for s in symbols])
    else:
        raise ValueError(f"subwords of kind {subwords.kind} have no tokenizer.json")
    bos, eos = names["<s>"], names["</s>"]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A {eos}",
        pair=f"{bos} $A {eos} $B:1 {eos}:1",
        special_tokens=[(bos, BOS), (eos, EOS)],
    )
    tokenizer.add_special_tokens(list(names.values()))
    exported = Exported(tokenizer, extra, names)
    check_same_ids(exported, ours, symbols, _PROBES)
    return exported


def tokenizer_config(exported: Exported, max_positions: int) -> dict[str, Any]:
    """Return what `tokenizer_config.json` holds.

    Special symbols in the text are text, as in training.
    """
    names = exported.names
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": names["<s>"],
        "cls_token": names["<s>"],
        "eos_token": names["</s>"],
        "sep_token": names["</s>"],
        "pad_token": names["<pad>"],
        "unk_token": names[UNKNOWN],
        "mask_token": names[MASK],
        "model_max_length": max_positions,
        "padding_side": "right",
        "split_special_tokens": True,
        "clean_up_tokenization_spaces": False,
        "model_input_names": ["input_ids", "token_type_ids", "attention_mask"],
    }


def check_same_ids(
    exported: Exported, ours: OurTokenizer, symbols: list[str], texts: Iterable[str]
) -> None:
    """Compare ids on texts in the form that `ours.segment` takes.

    Raises:
        ValueError: naming the first text that differs.
    """
    theirs, is_spoken = exported.tokenizer, ours.normalisation == "spoken"
    ids = {symbol: i for i, symbol in enumerate(symbols)}
    theirs.encode_special_tokens = True
    for text in texts:
        words = text.split() if is_spoken else ours.subwords.words(text)
        wanted = [ids.get(piece, UNK) for piece in ours.segment(" ".join(words))]
        found = theirs.encode(text, add_special_tokens=False).ids
        if [i if i < len(symbols) else UNK for i in found] != wanted:
            raise ValueError(
                f"tokenizer.json would cut {text[:60]!r} in another way than training "
                "did, so it is not written"
            )


def _wordpiece(subwords: WordPiece, symbols: list[str]) -> tuple[Tokenizer, int]:
    vocabulary = {symbol: i for i, symbol in enumerate(symbols)}
    extra = [piece for piece in subwords.vocabulary if piece not in vocabulary]
    vocabulary.update((piece, len(symbols) + i) for i, piece in enumerate(extra))
    tokenizer = Tokenizer(
        models.WordPiece(
            vocabulary,
            unk_token=_BERT[UNKNOWN],
            max_input_chars_per_word=LONGEST_WORD,
        )
    )
    tokenizer.normalizer = subwords.normaliser
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer, len(extra)


def _unigram(subwords: SentencePieces, symbols: list[str]) -> tuple[Tokenizer, int]:
    scores = subwords.scores()
    known = set(symbols)
    extra = [piece for piece in scores if piece not in known]
    pieces = [(s, scores.get(s, _NEVER)) for s in [*symbols, *extra]]
    pieces[UNK] = (UNKNOWN, 0.0)  # as in training: text that reads so is unknown
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=UNK))
    charsmap = subwords.model.normalizer_spec.precompiled_charsmap
    if charsmap:
        tokenizer.normalizer = normalizers.Precompiled(charsmap)
    steps = [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    if not set("</>") <= scores.keys():
        # a special symbol is no piece of text, but better than unknown characters
        steps.append(pre_tokenizers.Split(Regex(_END_OF_SPECIAL), "merged_with_next"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
    return tokenizer, len(extra)


def _codes(subwords: BpeCodes, symbols: list[str]) -> tuple[Tokenizer, int]:
    """Give the vocabulary all that merges make, whether or not text has it."""
    vocabulary = {}
    for i, symbol in enumerate(symbols):
        name = symbol
        if symbol not in WITH_MASK:
            name = symbol.removesuffix("@@")
            name += "" if symbol.endswith("@@") else WORD_END
        vocabulary[name] = i
    extra = [name for name in subwords.symbols if name not in vocabulary]
    vocabulary.update((name, len(symbols) + i) for i, name in enumerate(extra))
    tokenizer = Tokenizer(
        models.BPE(
            vocabulary,
            subwords.merges,
            unk_token=UNKNOWN,
            end_of_word_suffix=WORD_END,
            fuse_unk=False,
        )
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_PYTHONS_SPACES), "removed")
    return tokenizer, len(extra)


def _whole(subwords: WholeTokenizer, symbols: list[str]) -> tuple[Tokenizer, int]:
    """Give the symbols of a `tokenizer.json` the numbers that they have here."""
    known = set(symbols)
    extra = [symbol for symbol in subwords.ids if symbol not in known]
    ids = {symbol: i for i, symbol in enumerate([*symbols, *extra])}
    content = json.loads(json.dumps(subwords.content))
    for token in content["added_tokens"]:
        token["id"] = ids[token["content"]]
    model = content["model"]
    if isinstance(model["vocab"], dict):
        model["vocab"] = ids
    else:
        scores = {str(piece): float(score) for piece, score in model["vocab"]}
        model["vocab"] = [[symbol, scores.get(symbol, _NEVER)] for symbol in ids]
        model["unk_id"] = UNK
    content["added_tokens"].sort(key=lambda token: token["id"])
    return Tokenizer.from_str(json.dumps(content)), len(extra)
