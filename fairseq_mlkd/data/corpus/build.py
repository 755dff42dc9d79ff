"""Text of many languages -> subword codes, one dictionary, binary training data."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any, Dict, Iterable, List, Optional

from fairseq.data import Dictionary
from tqdm import tqdm

from fairseq_mlkd.data.binary import BinaryWriter, encode_line
from fairseq_mlkd.data.corpus.clean import (
    DROP_REASONS,
    CleanText,
    TrainingPlan,
    clean_text,
    read_sentences,
)
from fairseq_mlkd.text.files import write_json
from fairseq_mlkd.text.spoken import to_spoken
from fairseq_mlkd.text.subwords import BpeCodes, learn_codes
from fairseq_mlkd.text.tokenizer import SETTINGS_FILE, Tokenizer

REPORT_FILE = "report.json"
DICTIONARY_FILE = "dict.txt"
_PARTIAL = ".partial"
_SPLITS = ("train", "valid")


@dataclass(frozen=True)
class CorpusOptions:
    """What a corpus is made of; two equal options give the same bytes.

    Args:
        files: the text files of each language, packed or plain.
        alpha: exponent of equation 1.
        sentences: size of the training data, drawn by equation 1; None writes every
            sentence once.
        codes: number of merges to learn.
        valid: sentences to hold out in each language.
        max_characters: longer sentences are left out.
        seed: of every draw.
        sample: most sentences to learn the merges from, drawn by equation 1.
        codes_from: folder whose subwords, normalisation and dictionary are taken over.
    """

    files: Dict[str, List[str]]
    alpha: float = 0.5
    sentences: Optional[int] = None
    codes: int = 8000
    valid: int = 1000
    max_characters: int = 256
    seed: int = 1
    sample: int = 2_000_000
    codes_from: Optional[str] = None

    @property
    def training_alpha(self) -> float:
        """The `--sampling-alpha` that training on this corpus should use."""
        return self.alpha if self.sentences is None else 1.0


def existing_report(out: str, options: CorpusOptions) -> Optional[Dict[str, Any]]:
    """Return the report of a complete corpus in `out`, None if `out` is free.

    Raises:
        ValueError: `out` holds something else, so nothing may be written there.
    """
    if not os.path.isdir(out) or not set(os.listdir(out)) - {_PARTIAL}:
        return None
    path = os.path.join(out, REPORT_FILE)
    try:
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
        if report["arguments"] == _arguments(options) and _is_complete(out, options):
            return report
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise ValueError(
        f"{out}: holds something else than the corpus of these arguments and inputs; "
        "name another folder or remove this one"
    )


def build_corpus(out: str, options: CorpusOptions) -> Dict[str, Any]:
    """Write the corpus into `out`, which `existing_report` found free.

    All is built in one sub-folder and moved up at the end, the report last.

    Returns:
        What `report.json` holds.
    Raises:
        ValueError: a bad option or input, in one line; `out` gets nothing.
    """
    _check_options(options)
    arguments = _arguments(options)
    partial = os.path.join(out, _PARTIAL)
    shutil.rmtree(partial, ignore_errors=True)
    os.makedirs(partial)
    try:
        report = {"arguments": arguments, **_build(partial, options)}
        for name in sorted(os.listdir(partial)):
            os.replace(os.path.join(partial, name), os.path.join(out, name))
        write_json(report, os.path.join(out, REPORT_FILE))
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        if not os.listdir(out):
            os.rmdir(out)
    return report


def _build(folder: str, options: CorpusOptions) -> Dict[str, Any]:
    source = options.codes_from
    tokenizer = Tokenizer.load(source) if source else None
    dictionary = _load_dictionary(source) if source else None
    text_folder = os.path.join(folder, "text")
    os.makedirs(text_folder)
    texts = [
        clean_text(
            lang,
            files,
            text_folder,
            tokenizer.normalise if tokenizer else to_spoken,
            max_characters=options.max_characters,
            valid=options.valid,
            seed=options.seed,
        )
        for lang, files in options.files.items()
    ]
    training = TrainingPlan(
        texts, options.alpha, options.sample, options.sentences, options.seed
    )
    tokenizer = tokenizer or _learn_tokenizer(folder, training, options.codes)
    dictionary = dictionary or _build_dictionary(tokenizer, training)
    tokenizer.save(folder)
    dictionary.save(os.path.join(folder, DICTIONARY_FILE))
    languages = {
        text.lang: _binarise(folder, text, training, tokenizer, dictionary)
        for text in texts
    }
    shutil.rmtree(text_folder)
    return {
        "training_alpha": options.training_alpha,
        "dictionary_size": len(dictionary),
        "languages": languages,
    }


def _learn_tokenizer(folder: str, training: TrainingPlan, n: int) -> Tokenizer:
    counts: Counter[str] = Counter()
    total = sum(training.learning.values())
    sample = training.learning_sentences()
    for sentence in tqdm(sample, "count words", total, unit=" sents", disable=None):
        counts.update(sentence.split(" "))
    codes = os.path.join(folder, "codes")
    learn_codes(counts, n, codes)
    return Tokenizer(BpeCodes(codes), "spoken")


def _build_dictionary(tokenizer: Tokenizer, training: TrainingPlan) -> Dictionary:
    counts: Counter[str] = Counter()
    for text in training.texts:
        for sentence in tqdm(
            training.sentences(text),
            f"{text.lang}: count subwords",
            training.written[text.lang],
            unit=" sents",
            disable=None,
        ):
            counts.update(tokenizer.segment(sentence))
    dictionary = Dictionary()
    for symbol, count in counts.items():
        dictionary.add_symbol(symbol, count)
    dictionary.finalize()
    return dictionary


def _load_dictionary(folder: str) -> Dictionary:
    path = os.path.join(folder, DICTIONARY_FILE)
    try:
        return Dictionary.load(path)
    except (OSError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"{path}: cannot be read ({error}); --codes-from needs a folder that "
            "preprocess/corpus.py or mlkd-import wrote"
        ) from None


def _binarise(
    folder: str,
    text: CleanText,
    training: TrainingPlan,
    tokenizer: Tokenizer,
    dictionary: Dictionary,
) -> Dict[str, Any]:
    """Write both parts of a language; return its entry in the report."""
    lang = text.lang
    sizes = {"train": training.written[lang], "valid": text.valid}
    sentences = {
        "train": training.sentences(text),
        "valid": read_sentences(text.valid_path),
    }
    totals: Counter[str] = Counter()
    for split in _SPLITS:
        progress = tqdm(
            sentences[split],
            f"{lang}: write {split}",
            sizes[split],
            unit=" sents",
            disable=None,
        )
        prefix = os.path.join(folder, lang, split)
        totals += _write_split(prefix, progress, tokenizer, dictionary)
    return {
        "lines": text.lines,
        "sentences": text.sentences,
        "dropped": {reason: text.dropped[reason] for reason in DROP_REASONS},
        "characters": text.characters,
        **sizes,
        "share_before": round(float(training.share_before[lang]), 6),
        "share_after": round(float(training.share_after[lang]), 6),
        "tokens": totals["tokens"],
        "unknown_rate": round(totals["unknown"] / totals["tokens"], 6),
        "subwords_per_word": round(totals["tokens"] / totals["words"], 4),
    }


def _write_split(
    prefix: str,
    sentences: Iterable[str],
    tokenizer: Tokenizer,
    dictionary: Dictionary,
) -> Counter[str]:
    totals: Counter[str] = Counter()
    with BinaryWriter(prefix, len(dictionary)) as writer:
        for sentence in sentences:
            ids = encode_line(dictionary, tokenizer.segment(sentence))
            writer.add(ids)
            totals["tokens"] += len(ids) - 1
            totals["unknown"] += ids.count(dictionary.unk())
            totals["words"] += sentence.count(" ") + 1
    return totals


def _arguments(options: CorpusOptions) -> Dict[str, Any]:
    """Options and input sizes, in the form in which JSON gives them back."""
    sizes = {
        path: os.path.getsize(path)
        for paths in options.files.values()
        for path in paths
        if os.path.exists(path)
    }
    return {**asdict(options), "bytes": sizes}


def _is_complete(out: str, options: CorpusOptions) -> bool:
    names = [DICTIONARY_FILE, SETTINGS_FILE]
    for lang in options.files:
        names += [f"{lang}/{split}.bin" for split in _SPLITS]
        names += [f"{lang}/{split}.idx" for split in _SPLITS]
    return all(os.path.exists(os.path.join(out, name)) for name in names)


def _check_options(options: CorpusOptions) -> None:
    for name in ("sentences", "codes", "valid", "max_characters", "sample"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise ValueError(f"--{name.replace('_', '-')} {value}: must be at least 1")
    if not 0 <= options.alpha <= 1:
        raise ValueError(f"--alpha {options.alpha}: must be between 0 and 1")
    if options.seed < 0:
        raise ValueError(f"--seed {options.seed}: must not be negative")
    for paths in options.files.values():
        for path in paths:
            if not os.path.isfile(path):
                raise ValueError(f"{path}: no such file")
