"""Tiny models of every task on real words, as checkpoints and as exported folders."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from fairseq.data import Dictionary
from omegaconf import OmegaConf
from tiny import build_model, make_task, write_sentences

from fairseq_mlkd.cli.export import main
from fairseq_mlkd.convert.state import build_state
from fairseq_mlkd.text.sentencepieces import SentencePieces, learn_sentencepieces
from fairseq_mlkd.text.sentencepieces import read_model as read_pieces
from fairseq_mlkd.text.subwords import BpeCodes, learn_codes
from fairseq_mlkd.text.tokenizer import Tokenizer
from fairseq_mlkd.text.wordpiece import WordPiece

MLM, CLASSIFICATION = "multilingual_mlm", "zero_shot_classification"
TAGGING, INTENT_SLOT = "zero_shot_tagging", "zero_shot_intent_slot"
PARSING = "zero_shot_parsing"
TASKS = [MLM, CLASSIFICATION, TAGGING, INTENT_SLOT, PARSING]
KINDS = ["codes", "wordpiece", "sentencepiece"]
SHAPE = {"layers": 2, "embed_dim": 24, "ffn_embed_dim": 40, "attention_heads": 3}

SENTENCES = {
    "en": [
        "The king of Paris isn't here , he bought 21 % of it .",
        "Wake me at 7:30 in New York please",
        "well-known rivers - the Rhine and the Rhône - flow fast",
        "call Anna ( again ) and again and again",
        "…",
    ],
    "de": [
        "Der König von Köln kauft 12 Äpfel , nicht 3,5 .",
        "Weck mich um halb acht in Zürich",
        "das ist das Haus des Königs",
    ],
    "ja": ["東 京 に 行 く", "日 本 の 王"],
}
LABELS = ("entailment", "neutral", "contradiction")
TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
INTENTS = ("alarm/set", "call", "weather/find", "buy")
SYMBOLS = ("[IN:CALL", "[IN:WAKE", "[SL:WHO", "[SL:WHEN", "]")
POINTERS = 30
ONTOLOGY = (("[IN:CALL", "[SL:WHO"), ("[IN:WAKE", "[SL:WHEN"))


class Made(NamedTuple):
    """A checkpoint with its data and tokenizer."""

    path: Path
    data: Path
    tokenizer: Path
    task: Any
    model: Any


def write_subwords(folder: Path, kind: str, normalisation: str | None = None) -> Path:
    """Write a tokenizer of one kind; codes cut the spoken form, others raw text."""
    folder.mkdir(parents=True)
    normalisation = normalisation or ("spoken" if kind == "codes" else "none")
    words: dict[str, int] = {}
    for lang, texts in SENTENCES.items():
        for text in texts:
            for word in _plain_words(text, lang, normalisation):
                words[word] = words.get(word, 0) + 2
    if kind == "codes":
        learn_codes(words, 40, str(folder / "codes"))
        subwords: Any = BpeCodes(str(folder / "codes"))
    elif kind == "wordpiece":
        letters = sorted({letter for word in words for letter in word})
        pieces = [
            "[PAD]",
            "[UNK]",
            "[CLS]",
            "[SEP]",
            "[MASK]",
            "the",
            "##ing",
            *letters,
        ]
        pieces += [f"##{letter}" for letter in letters if letter != "z"]
        subwords = WordPiece(pieces, lowercase=False)
    else:
        learn_sentencepieces(words, 120, str(folder / "learnt"))
        subwords = SentencePieces(read_pieces(str(folder / "learnt")))
        (folder / "learnt").unlink()
    tokenizer = Tokenizer(subwords, normalisation)
    tokenizer.save(str(folder))
    dictionary = Dictionary()
    for lang, texts in SENTENCES.items():
        for piece in tokenizer.tokenize(" ".join(texts[:-1]), lang):
            dictionary.add_symbol(piece)
    dictionary.save(str(folder / "dict.txt"))
    return folder


def _plain_words(text: str, lang: str, normalisation: str) -> list[str]:
    if normalisation == "none":
        return text.split()
    return Tokenizer(None, normalisation).normalise(text, lang).split()


def _ids(dictionary: Dictionary, symbols: Sequence[str]) -> list[int]:
    return [*map(dictionary.index, symbols), dictionary.eos()]


def _labels(
    folder: Path, names: Sequence[str], unseen: str | None = None
) -> Dictionary:
    dictionary = Dictionary()
    for name in names:
        dictionary.add_symbol(name, n=3)
    if unseen:
        dictionary.add_symbol(unseen, n=0)
    folder.mkdir(parents=True)
    dictionary.save(str(folder / "dict.txt"))
    return dictionary


def write_data(folder: Path, task: str, tokenizer: Path, split: str = "test") -> Path:
    """Write the sentences of each language with labels of the task."""
    folder.mkdir()
    (folder / "dict.txt").write_bytes((tokenizer / "dict.txt").read_bytes())
    subwords = Tokenizer.load(str(tokenizer))
    symbols = Dictionary.load(str(folder / "dict.txt"))
    if task == MLM:
        for lang, texts in SENTENCES.items():
            rows = [_ids(symbols, subwords.tokenize(text, lang)) for text in texts]
            write_sentences(folder / lang / "train", rows, len(symbols))
            write_sentences(folder / lang / "valid", rows, len(symbols))
        return folder
    parts = _write_dictionaries(folder, task)
    for lang, texts in SENTENCES.items():
        columns: dict[str, list[list[int]]] = {}
        for number, text in enumerate(texts):
            row = _row(task, number, text, texts[-1 - number], lang, subwords, symbols)
            for part, values in row.items():
                ids = _ids(parts[part], values) if part in parts else values
                columns.setdefault(part, []).append(ids)
        for part, rows in columns.items():
            write_sentences(folder / part / f"{split}.{lang}", rows, 65000)
    return folder


def _write_dictionaries(folder: Path, task: str) -> dict[str, Dictionary]:
    if task == CLASSIFICATION:
        return {"label": _labels(folder / "label", LABELS)}
    if task == PARSING:
        pointers = [f"@ptr_{i}" for i in range(POINTERS)]
        words = [w for texts in SENTENCES.values() for t in texts for w in t.split()]
        found = {
            "target": _labels(folder / "target", [*SYMBOLS, *pointers], "[SL:NEW"),
            "words": _labels(folder / "words", list(dict.fromkeys(words))),
        }
        lines = "".join(f"{a} {b}\n" for a, b in ONTOLOGY)
        (folder / "target" / "ontology.txt").write_text(lines)
        return found
    parts = {"label": _labels(folder / "label", TAGS, "B-NEW")}
    if task == INTENT_SLOT:
        parts["intent"] = _labels(folder / "intent", INTENTS, "new")
    return parts


def _row(
    task: str,
    number: int,
    text: str,
    other: str,
    lang: str,
    subwords: Tokenizer,
    symbols: Dictionary,
) -> dict[str, list[Any]]:
    """One example; folders without a dictionary of their own hold numbers already."""
    if task == CLASSIFICATION:
        return {
            "input0": _ids(symbols, subwords.tokenize(text, lang)),
            "input1": _ids(symbols, subwords.tokenize(other, lang)),
            "label": [LABELS[number % 3]],
        }
    words = text.split()
    pieces, owners = subwords.tokenize_words(words, lang)
    row: dict[str, list[Any]] = {
        "input0": _ids(symbols, pieces),
        "pieces": [owners.count(i) for i in range(len(words))],
    }
    if task == PARSING:
        parse = ["[IN:CALL", "[SL:WHO", "@ptr_0", "]", "]"]
        return {**row, "words": words, "target": parse}
    row["label"] = [TAGS[(number + i) % len(TAGS)] for i in range(len(words))]
    return row | ({"intent": [INTENTS[number % 4]]} if task == INTENT_SLOT else {})


def make(folder: Path, task: str, kind: str = "codes", **options: Any) -> Made:
    """Make a random model of the task, saved as training saves it.

    Args:
        options: of the task, or of the model where they begin with `model_`.
    """
    tokenizer = write_subwords(folder / "tokenizer", kind)
    data = write_data(folder / "data", task, tokenizer)
    ours = {k: v for k, v in options.items() if not k.startswith("model_")}
    built = make_task(task, data, **ours)
    name = "pointer_generator" if task == PARSING else "multilingual_encoder"
    shape = {"_name": name, "max_positions": 40, "init_std": 0.3}
    if task == PARSING:
        shape.update(decoder_layers=2, decoder_ffn_embed_dim=32)
    shape.update(
        {k.removeprefix("model_"): v for k, v in options.items() if k not in ours}
    )
    torch.manual_seed(3)
    model = build_model(built, SHAPE, **shape).eval()
    with torch.no_grad():  # biases and layer norms are trivial before training
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(0.1 * torch.randn_like(parameter))
    symbols = built.source_dictionary.symbols
    cfg = OmegaConf.to_container(OmegaConf.structured(model.cfg), enum_to_str=True)
    state = build_state(
        {**cfg, "_name": name},
        model.state_dict(),
        symbols,
        task=task,
        options={"data": str(data), **ours},
        labels=built.label_names(),
    )
    torch.save(state, str(folder / "model.pt"))
    return Made(folder / "model.pt", data, tokenizer, built, model)


def export(made: Made, out: Path, *arguments: Any) -> Path:
    """Run `mlkd-export`."""
    given = [made.path, out, "--tokenizer", made.tokenizer, *arguments]
    main([str(argument) for argument in given])
    return out
