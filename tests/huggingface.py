"""Tiny random encoders as `transformers` saves them, and the comparison with ours."""

import io
import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import tokenizers
import torch
from fairseq.data import Dictionary
from sentencepiece import SentencePieceTrainer
from tokenizers import models, pre_tokenizers, trainers

import fairseq_mlkd
from fairseq_mlkd.convert.importer import import_encoder
from fairseq_mlkd.data.binary import encode_line
from fairseq_mlkd.models.multilingual_encoder import MultilingualEncoderModel
from fairseq_mlkd.modules.states import Request
from fairseq_mlkd.text.tokenizer import Tokenizer

transformers = pytest.importorskip("transformers", reason="needs transformers")
transformers.logging.set_verbosity_error()

SPECIAL = {
    "<s>": "[CLS]",
    "<pad>": "[PAD]",
    "</s>": "[SEP]",
    "<unk>": "[UNK]",
    "<mask>": "[MASK]",
}
LETTERS = "abcdefghijklmnopqrstuvwxyzäéñçABDEÄÉ0123456789日本語を東京का।,.!?'-"
VOCABULARY = ["[PAD]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS]
VOCABULARY += [f"##{letter}" for letter in LETTERS] + ["the", "##ing", "##ed", "das"]
TEXTS = [
    "the king is walking, slowly!",
    "Das Mädchen aß 12 Äpfel; né à Besançon.",
    "यह का है। ok",
    "☃ un☃known [MASK ] <un k> '''' ''",
    "x" * 101 + " y",
    "",
]
# of which version 4, that of Python 3.10, makes something else with XLM-R
IS_OLD = int(transformers.__version__.split(".")[0]) < 5
ODD_SPACES = [
    "日本語を話す東京の人　と a\u200bb",
    "a\x85b c\x0bd e\x1cf g\u2028h i\u00a0j \u00ad k\u0301 \ufeffl \u3000 m\tn",
]
if not IS_OLD:
    TEXTS += ODD_SPACES
# odd widths, depths and heads
SHAPES = [
    {"hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 2},
    {"hidden_size": 15, "num_hidden_layers": 1, "num_attention_heads": 5},
]


class Ours(NamedTuple):
    """What an import wrote, as tasks see it."""

    model: MultilingualEncoderModel
    dictionary: Dictionary
    tokenizer: Tokenizer

    def encode(self, text: str) -> list[int]:
        symbols = self.tokenizer.tokenize(text, "en")
        return [self.dictionary.bos(), *encode_line(self.dictionary, symbols)]


def load_ours(folder: Path) -> Ours:
    """Load an imported folder strictly."""
    model, task = fairseq_mlkd.load(folder)
    return Ours(model, task.source_dictionary, Tokenizer.load(str(folder)))


def run_import(source: Path, out: Path) -> Ours:
    import_encoder(source, out)
    return load_ours(out)


def write_wordpiece(folder: Path, **options: Any) -> int:
    """Return `vocab.txt` and its options; returns the number of pieces."""
    folder.mkdir(exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8")
    options = {"tokenizer_class": "BertTokenizer", "do_lower_case": False, **options}
    (folder / "tokenizer_config.json").write_text(json.dumps(options))
    return len(VOCABULARY)


def write_sentencepiece(folder: Path, **options: Any) -> int:
    """Train a model on `TEXTS`, as XLM-R has it; return its number of ids."""
    folder.mkdir(exist_ok=True)
    stream = io.BytesIO()
    sentences = [text for text in TEXTS if text] * 4
    settings = {"vocab_size": 110, "hard_vocab_limit": False, "minloglevel": 2}
    SentencePieceTrainer.train(
        sentence_iterator=iter(sentences), model_writer=stream, **settings, **options
    )
    (folder / "sentencepiece.bpe.model").write_bytes(stream.getvalue())
    config = {"tokenizer_class": "XLMRobertaTokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return len(transformers.AutoTokenizer.from_pretrained(folder))


def write_byte_level(folder: Path, **options: Any) -> int:
    """`vocab.json` and `merges.txt` as RoBERTa has them; returns the number of ids."""
    folder.mkdir(exist_ok=True)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe = tokenizers.Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        initial_alphabet=sorted(alphabet),
        show_progress=False,
    )
    bpe.train_from_iterator(TEXTS * 3, trainer)
    model = json.loads(bpe.to_str())["model"]
    ids = {**model["vocab"], "<mask>": len(model["vocab"])}
    (folder / "vocab.json").write_text(json.dumps(ids))
    merges = ["#version: 0.2", *(" ".join(merge) for merge in model["merges"])]
    (folder / "merges.txt").write_text("\n".join(merges) + "\n", encoding="utf-8")
    options = {"tokenizer_class": "RobertaTokenizer", **options}
    (folder / "tokenizer_config.json").write_text(json.dumps(options))
    return len(ids)


# configurations of one shape, by family
_COMMON = {**SHAPES[0], "intermediate_size": 20, "max_position_embeddings": 130}
_ROBERTA = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
_FAMILIES: dict[str, dict[str, Any]] = {
    "Bert": _COMMON,
    "Electra": {**_COMMON, "embedding_size": 24},
    "DistilBert": {
        "dim": 24,
        "n_layers": 3,
        "n_heads": 2,
        "hidden_dim": 20,
        "max_position_embeddings": 130,
    },
    "Roberta": {**_COMMON, **_ROBERTA, "type_vocab_size": 1},
    "Camembert": {**_COMMON, "pad_token_id": 1, "type_vocab_size": 1},
    "XLMRoberta": {**_COMMON, **_ROBERTA},
}


def save_encoder(
    folder: Path, kind: str, vocab_size: int, *, half: bool = False, **config: Any
) -> None:
    """Save a random model, `kind` the class, with every parameter far from 0."""
    family = kind.partition("For")[0].removesuffix("Model")
    shape = {**_FAMILIES[family], "vocab_size": vocab_size, **config}
    cfg = getattr(transformers, f"{family}Config")(**shape)
    model = getattr(transformers, kind)(cfg)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    (model.half() if half else model).save_pretrained(folder)


_WRITERS = {
    "Bert": write_wordpiece,
    "DistilBert": write_wordpiece,
    "Electra": write_wordpiece,
    "XLMRoberta": write_sentencepiece,
    "Camembert": write_sentencepiece,
    "Roberta": write_byte_level,
}


def write_source(folder: Path, kind: str, **config: Any) -> None:
    """Save a random model with the tokenizer of its family, `kind` the class."""
    family = kind.partition("For")[0].removesuffix("Model")
    _WRITERS[family](folder)
    path = folder / "tokenizer_config.json"
    options = json.loads(path.read_text())
    path.write_text(json.dumps({**options, "tokenizer_class": f"{family}Tokenizer"}))
    model_type = family.lower().replace("xlm", "xlm-")
    (folder / "config.json").write_text(json.dumps({"model_type": model_type}))
    size = len(transformers.AutoTokenizer.from_pretrained(folder))
    save_encoder(folder, kind, size, **config)


def reference(folder: Path, kind: str) -> tuple[Any, Any]:
    """Return the model and the tokenizer of `transformers`, in float32."""
    model = getattr(transformers, kind).from_pretrained(
        folder, attn_implementation="eager"
    )
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    return model.float().eval(), tokenizer


def their_symbols(ours: Ours, names: dict[str, str]) -> list[str]:
    return [names.get(symbol, symbol) for symbol in ours.dictionary.symbols]


def check_parity(source: Path, ours: Ours, kind: str, texts: list[str]) -> None:
    """Token ids exactly; hidden states, attention and logits to 1e-5."""
    model, tokenizer = reference(source, kind)
    wordpiece = "[CLS]" in tokenizer.get_vocab()
    symbols = their_symbols(ours, SPECIAL if wordpiece else {})
    to_theirs = torch.tensor(tokenizer.convert_tokens_to_ids(symbols))
    same_order = not wordpiece and not kind.startswith("Camembert")
    assert not same_order or to_theirs.tolist() == list(range(len(symbols)))
    limit = {"truncation": True, "max_length": ours.model.max_positions()}
    batch = tokenizer(texts, padding=True, return_tensors="pt", **limit)
    real = batch["attention_mask"].bool()
    src_tokens = torch.full(real.shape, ours.dictionary.pad())
    for row, text in enumerate(texts):
        ids = torch.tensor(ours.encode(text))
        theirs = tokenizer(text)["input_ids"]
        assert to_theirs[ids].tolist() == theirs, text
        ids = torch.cat([ids[: real[row].sum() - 1], ids[-1:]])
        src_tokens[row, : len(ids)] = ids
    compare_outputs(model, batch, ours.model, src_tokens, to_theirs)


def compare_outputs(
    theirs: Any,
    batch: Any,
    model: MultilingualEncoderModel,
    src_tokens: torch.Tensor,
    to_theirs: torch.Tensor,
) -> None:
    layers = model.cfg.encoder_layers
    real = batch["attention_mask"].bool()
    with torch.no_grad():
        want = theirs(**batch, output_hidden_states=True, output_attentions=True)
        out, extra = model(
            src_tokens,
            features_only=model.lm_head is None,
            request=Request(range(layers + 1), range(layers)),
        )
    assert len(want.hidden_states) == layers + 1
    for i, states in enumerate(want.hidden_states):
        close(extra["hidden_states"][i][real], states[real])
    for i, attention in enumerate(want.attentions):
        scores = extra["attention_scores"][i]
        scores = scores.masked_fill(~real[:, None, None], float("-inf"))
        # B x H x T x S -> B x T x H x S
        probs = torch.softmax(scores, -1).transpose(1, 2)
        close(probs[real], attention.transpose(1, 2)[real])
    if model.lm_head is not None:
        close(out[real], want.logits[..., to_theirs][real])


def close(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
