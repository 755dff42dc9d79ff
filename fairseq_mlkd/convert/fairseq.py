"""fairseq's own RoBERTa and XLM-R checkpoints, with dictionary and tokenizer."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from fairseq_mlkd.checkpoint import check_tensors, load_state
from fairseq_mlkd.convert.foreign import ForeignEncoder, Vocabulary, check_fixed
from fairseq_mlkd.convert.naming import FAIRSEQ_NAMES
from fairseq_mlkd.data.dictionary import load_dictionary
from fairseq_mlkd.models.multilingual_encoder import MultilingualEncoderConfig
from fairseq_mlkd.text.dictionary import MASK
from fairseq_mlkd.text.sentencepieces import MODEL_FILE, SentencePieces, read_model
from fairseq_mlkd.text.tokenizer import SETTINGS_FILE, Tokenizer

CHECKPOINT_FILE = "model.pt"
_OURS = "encoder.embeddings.tokens.weight"  # no model of fairseq has it
_FIRST_POSITION = 2  # fairseq's positions begin after the padding's, which is 1
_LAYER_NORM_EPS = 1e-5
_SHAPE = {
    "encoder_layers": int,
    "encoder_embed_dim": int,
    "encoder_ffn_embed_dim": int,
    "encoder_attention_heads": int,
    "max_positions": int,
    "dropout": float,
    "attention_dropout": float,
}
# what our encoder does, whatever else a checkpoint may ask for
_FIXED = {
    "activation_fn": "gelu",
    "encoder_normalize_before": False,
    "encoder_learned_pos": True,
    "layernorm_embedding": True,
    "no_token_positional_embeddings": False,
    "untie_weights_roberta": False,
}


def read_fairseq(path: Path) -> ForeignEncoder:
    """Read a RoBERTa checkpoint and what lies beside it.

    That is `dict.txt`, and `sentencepiece.bpe.model` or a tokenizer folder's own
    `subwords.json`.

    Raises:
        ValueError: in one line, a file that is missing or bad, or an encoder that
            cannot be represented.
    """
    try:
        state = load_state(str(path))
        options = _read_options(state)
        check_tensors(state.get("model"))
        if _OURS in state["model"]:
            raise ValueError("a model of ours already: name it where one is wanted")
        check_fixed(options, _FIXED)
        cfg = MultilingualEncoderConfig(
            **{key: _read_number(options, key, kind) for key, kind in _SHAPE.items()},
            layer_norm_eps=_LAYER_NORM_EPS,
        )
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    vocabulary = _read_vocabulary(path.parent)
    return ForeignEncoder(
        cfg, _FIRST_POSITION, state["model"], FAIRSEQ_NAMES, vocabulary
    )


def _read_options(state: dict[str, Any]) -> dict[str, Any]:
    """Read the options of a model: a namespace if it is old, a mapping if newer."""
    cfg = state.get("cfg")
    options = cfg.get("model") if isinstance(cfg, dict) else state.get("args")
    if isinstance(options, Namespace):
        options = vars(options)
    if not isinstance(options, dict):
        raise ValueError(
            "not a fairseq checkpoint: it has no options of a model; of a Hugging Face "
            "model, name the folder"
        )
    return options


def _read_number(options: dict[str, Any], key: str, kind: type) -> Any:
    value = options.get(key)
    if value is None:
        raise ValueError(f"not a RoBERTa, {key} is missing")
    if type(value) not in (int, kind) or not 0 <= value < float("inf"):
        raise ValueError(f"{key} is {value!r}")
    return value


def _read_vocabulary(folder: Path) -> Vocabulary:
    dictionary = load_dictionary(folder, remedy="put the checkpoint's dictionary there")
    symbols = dictionary.symbols[dictionary.nspecial :]
    if MASK in symbols:
        symbols.remove(MASK)
    rows = list(range(dictionary.nspecial + len(symbols) + 1))
    return Vocabulary(_read_tokenizer(folder), symbols, rows, has_segments=False)


def _read_tokenizer(folder: Path) -> Tokenizer:
    if (folder / SETTINGS_FILE).is_file():
        return Tokenizer.load(str(folder))
    if not (folder / MODEL_FILE).is_file():
        raise ValueError(
            f"{folder}: no {MODEL_FILE} or {SETTINGS_FILE}: put the checkpoint's "
            "tokenizer there"
        )
    return Tokenizer(SentencePieces(read_model(str(folder / MODEL_FILE))), "none")
