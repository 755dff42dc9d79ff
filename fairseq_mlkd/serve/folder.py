"""The folder that `mlkd-export` writes: names of its files, and what it says of itself.

`config.json`, `model.safetensors`, `tokenizer.json` and `tokenizer_config.json` are
Hugging Face's, `onnx/` holds graphs for ONNX Runtime, and `mlkd/` what the two have no
place for: how text was cut in training and what the heads say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fairseq_mlkd.files.hashing import file_sha256
from fairseq_mlkd.files.json_objects import read_json, write_json
from fairseq_mlkd.modules.bert_names import FAMILIES, Family
from fairseq_mlkd.text.dictionary import (
    DICTIONARY_FILE,
    Symbols,
    read_dictionary,
    with_mask,
)
from fairseq_mlkd.text.grammar import GRAMMARS
from fairseq_mlkd.text.tokenizer import SETTINGS_FILE, Tokenizer
from fairseq_mlkd.text.windows import LONG_INPUTS

FORMAT_VERSION = 1
OURS = "mlkd"
FACTS_FILE = f"{OURS}/facts.json"
WEIGHTS_FILE = "model.safetensors"
DECODER_FILE = f"{OURS}/decoder.safetensors"
# the two factors of token embeddings, whose product is in WEIGHTS_FILE
EMBEDDINGS_FILE = f"{OURS}/embeddings.safetensors"
HEAD_FILE = "head.safetensors"  # in the folder of each head, where there are several
ONNX, ONNX_DECODER = "onnx/model.onnx", "onnx/decoder.onnx"
INT8, INT8_DECODER = "onnx/model_int8.onnx", "onnx/decoder_int8.onnx"
MASKED_LM = "lm_head"  # the name of a masked-LM head among `Facts.heads`
TASKS = (
    *("multilingual_mlm", "zero_shot_classification", "zero_shot_tagging"),
    *("zero_shot_intent_slot", "zero_shot_parsing"),
)
_AGAIN = "export the model again with mlkd-export"
_MOST_BYTES = 1 << 26  # of a file without weights
_HALF = re.compile(r"[\ud800-\udfff]")
_TEXTS = ("task", "grammar", "long_inputs", "source_lang", "benchmark")
_LISTS = ("outputs", "languages")
_MOST, _MOST_LAYERS = 1 << 24, 1000
_SIZES = (
    "vocabulary",
    "encoder_layers",
    "encoder_embed_dim",
    "encoder_ffn_embed_dim",
    "encoder_attention_heads",
    "max_positions",
)
_DECODER_SIZES = ("decoder_layers", "decoder_ffn_embed_dim", "max_target_positions")


@dataclass(frozen=True)
class Head:
    """A classifier on top of the encoder.

    Args:
        name: of its output; in a checkpoint the module's.
        pooled: it classifies the sentence, at the first token; if not, tokens.
        labels: names of its classes.
    """

    name: str
    pooled: bool
    labels: Sequence[str]


@dataclass(frozen=True)
class Facts:
    """What an exported folder says of its model, beside Hugging Face's `config.json`.

    Args:
        task: the registered task that it was trained for.
        encoder: the shape, as `MultilingualEncoderConfig` calls it.
        vocabulary: symbols of `dict.txt` with the special ones and `<mask>`.
        heads: classifiers; empty for encoders and parsers.
        has_lm_head: whether it fills masks.
        decoder: the shape of a parser's decoder; empty without one.
        outputs: what a parser's decoder says, pointers last.
        num_pointers: how many of them are pointers.
        grammar: `none`, `tree` or `ontology`, as `--grammar` in training.
        ontology: (intent, slot) pairs of training, as opening symbols.
        long_inputs: `refuse`, `window` or `truncate`, as `--long-inputs`.
        source_lang: the language of fine-tuning.
        languages: of the data that it was trained or tested on.
        benchmark: that it was fine-tuned on.
        scores: by language, of the task's main metric on test data.
        files: the SHA-256 of every other file, by its path in the folder.
    """

    task: str
    encoder: dict[str, Any]
    vocabulary: int
    heads: Sequence[Head] = ()
    has_lm_head: bool = False
    decoder: dict[str, Any] = field(default_factory=dict)
    outputs: Sequence[str] = ()
    num_pointers: int = 0
    grammar: str = "none"
    ontology: Sequence[tuple[str, str]] = ()
    long_inputs: str = "refuse"
    source_lang: str = "en"
    languages: Sequence[str] = ()
    benchmark: str = ""
    scores: dict[str, float] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT_VERSION

    @property
    def embedding_rank(self) -> int:
        """Of the token embeddings; 0: they are whole."""
        return int(self.encoder.get("embedding_rank", 0))

    @property
    def head_activation(self) -> str:
        """What classifiers of sentences do between their layers."""
        return str(self.encoder.get("head_activation", "tanh"))

    @property
    def family(self) -> Family:
        """The models of `transformers` that its weights are named as."""
        is_pooled = any(head.pooled for head in self.heads)
        return FAMILIES[self.head_activation if is_pooled else "tanh"]

    @property
    def max_positions(self) -> int:
        """The longest input in subwords, special symbols included."""
        return int(self.encoder["max_positions"])


def write_facts(folder: Path, facts: Facts) -> None:
    """Write `mlkd/facts.json`, with the fingerprints of the files that are there."""
    names = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path != folder / FACTS_FILE and path.name != "README.md"
    )
    files = {name: file_sha256(folder / name) for name in names}
    write_json({**asdict(facts), "files": files}, str(folder / FACTS_FILE))


def read_facts(folder: Path) -> Facts:
    """Read and check what the folder says of itself.

    Raises:
        ValueError: in one line, no such file, or one that is damaged.
    """
    if folder.is_file():
        raise ValueError(
            f"{folder}: a file, no folder of mlkd-export; export the model and name "
            "that folder"
        )
    path = folder / FACTS_FILE
    found = read_small_json(path)
    try:
        if found.get("format") != FORMAT_VERSION:
            raise ValueError(f"not in format {FORMAT_VERSION}")
        found["heads"] = [_read_head(head) for head in found["heads"]]
        found["ontology"] = [(str(a), str(b)) for a, b in found["ontology"]]
        facts = Facts(**found)
        _check(facts)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}; {_AGAIN}") from None
    return facts


def read_tokenizer(folder: Path, facts: Facts) -> tuple[Tokenizer, Symbols]:
    """Read how text was cut, and the symbols' ids.

    Raises:
        ValueError: naming the file that is missing, damaged or elsewhere.
    """
    ours = folder / OURS
    settings = read_small_json(ours / SETTINGS_FILE)
    names = [value for value in settings.values() if isinstance(value, str)]
    for name in names:
        if Path(name).name != name:
            raise ValueError(f"{ours / SETTINGS_FILE}: {name!r} is no file beside it")
    for name in (SETTINGS_FILE, DICTIONARY_FILE, *names):
        if (ours / name).exists() or name == DICTIONARY_FILE:
            _check_size(check_file(folder, f"{OURS}/{name}", facts))
    symbols, _ = read_dictionary(str(ours / DICTIONARY_FILE))
    return Tokenizer.load(str(ours)), Symbols(with_mask(symbols))


def check_file(folder: Path, name: str, facts: Facts) -> Path:
    """Return the path of a file that is what was exported.

    Raises:
        ValueError: it is missing, no part of the export, or has other bytes.
    """
    path = folder / name
    if not path.is_file():
        raise ValueError(f"{path}: no such file; {_AGAIN}")
    if facts.files.get(name) != file_sha256(path):
        raise ValueError(
            f"{path}: not the file that {FACTS_FILE} describes: it is cut off, or "
            f"another one; copy it again, or {_AGAIN}"
        )
    return path


def read_small_json(path: Path) -> dict[str, Any]:
    """Read a JSON object of a moderate size.

    Raises:
        ValueError: no such file, or something else in it.
    """
    if not path.is_file():  # what else there is may never end
        raise ValueError(f"{path}: no such file; {_AGAIN}")
    _check_size(path)
    return read_json(path, _AGAIN)


def _check_size(path: Path) -> None:
    if path.stat().st_size > _MOST_BYTES:
        raise ValueError(f"{path}: longer than {_MOST_BYTES} bytes; {_AGAIN}")


def is_text(value: Any) -> bool:
    """Tell whether it is text that can be written: JSON can hold half a character."""
    return isinstance(value, str) and not _HALF.search(value)


def _read_head(head: dict[str, Any]) -> Head:
    name, pooled, labels = head["name"], head["pooled"], head["labels"]
    if not is_text(name) or not name.isidentifier() or type(pooled) is not bool:
        raise ValueError("a head has no name, or does not say what it reads")
    if not _are_texts(labels) or not labels:
        raise ValueError("the labels of a head are no names")
    return Head(name, pooled, labels)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(is_text, value))


def _check_types(facts: Facts) -> None:
    pointers = facts.num_pointers
    right = {
        **{name: is_text(getattr(facts, name)) for name in _TEXTS},
        **{name: _are_texts(getattr(facts, name)) for name in _LISTS},
        "scores": all(type(x) in (int, float) for x in facts.scores.values()),
        "files": _are_texts([*facts.files, *facts.files.values()]),
        "has_lm_head": type(facts.has_lm_head) is bool,
        "num_pointers": type(pointers) is int and 0 <= pointers <= len(facts.outputs),
    }
    for name, is_right in right.items():
        if not is_right:
            raise ValueError(f"{name} is not what it should be")


def _check(facts: Facts) -> None:
    _check_types(facts)
    told = {"embedding_rank": 0, **facts.encoder, "vocabulary": facts.vocabulary}
    decoder = {**facts.decoder}
    sizes = {key: told[key] for key in _SIZES}
    sizes.update((key, decoder[key]) for key in _DECODER_SIZES if decoder)
    for key, value in sizes.items():
        most = _MOST_LAYERS if key.endswith("layers") else _MOST
        if type(value) is not int or not 0 < value <= most:
            raise ValueError(f"{key} is {value!r}, not a number from 1 to {most}")
    for key in ("num_segments", "embedding_rank"):
        if type(told[key]) is not int or not 0 <= told[key] <= _MOST:
            raise ValueError(f"{key} is {told[key]!r}")
    if told["num_segments"] == 1:
        raise ValueError("num_segments is 1, which tells no segments apart")
    for value, choices in (
        (facts.task, TASKS),
        (facts.grammar, GRAMMARS),
        (facts.long_inputs, LONG_INPUTS),
        (facts.head_activation, tuple(FAMILIES)),
    ):
        if value not in choices:
            raise ValueError(f"{value!r} is none of {', '.join(choices)}")
    for name in facts.files:
        if name.startswith("/") or ".." in Path(name).parts:
            raise ValueError(f"{name!r} is no file of this folder")
