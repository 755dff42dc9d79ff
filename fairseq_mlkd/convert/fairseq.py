"""fairseq's own RoBERTa and XLM-R checkpoints, with dictionary and tokenizer."""

from pathlib import Path
from typing import Any

from fairseq_mlkd.checkpoint import model_config, read_checkpoint
from fairseq_mlkd.convert.naming import FAIRSEQ_NAMES
from fairseq_mlkd.convert.source import Source, Vocabulary, check_fixed
from fairseq_mlkd.data.dictionary import load_dictionary
from fairseq_mlkd.models.multilingual_encoder import MultilingualEncoderConfig
from fairseq_mlkd.text.sentencepieces import MODEL_FILE, SentencePieces, read_model
from fairseq_mlkd.text.tokenizer import SETTINGS_FILE, Tokenizer

CHECKPOINT_FILE = "model.pt"
_FIRST_POSITION = 2  # fairseq's positions begin after the padding's, which is 1
_LAYER_NORM_EPS = 1e-5
_SHAPE = (
    "encoder_layers",
    "encoder_embed_dim",
    "encoder_ffn_embed_dim",
    "encoder_attention_heads",
    "dropout",
    "attention_dropout",
)
# what our encoder does, whatever else a checkpoint may ask for
_FIXED = {
    "activation_fn": "gelu",
    "encoder_normalize_before": False,
    "encoder_learned_pos": True,
    "layernorm_embedding": True,
    "no_token_positional_embeddings": False,
    "untie_weights_roberta": False,
}


def read_fairseq(path: Path) -> Source:
    """Read a RoBERTa checkpoint and what lies beside it.

    That is `dict.txt`, and `sentencepiece.bpe.model` or a tokenizer folder's own
    `subwords.json`.

    Raises:
        ValueError: in one line, a file that is missing or bad, or an encoder that
            cannot be represented.
    """
    state = read_checkpoint(str(path), "mlkd-import")
    options = _read_options(model_config(state))
    try:
        check_fixed(options, _FIXED)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    missing = [key for key in (*_SHAPE, "max_positions") if key not in options]
    if missing:
        raise ValueError(f"{path}: not a RoBERTa, {missing[0]} is missing")
    cfg = MultilingualEncoderConfig(
        **{key: options[key] for key in _SHAPE},
        max_positions=options["max_positions"],
        layer_norm_eps=_LAYER_NORM_EPS,
    )
    vocabulary = _read_vocabulary(path.parent)
    return Source(cfg, _FIRST_POSITION, state["model"], FAIRSEQ_NAMES, vocabulary)


def _read_options(options: Any) -> dict[str, Any]:
    """Options of a legacy model are a namespace, those of a newer one a mapping."""
    return dict(options) if hasattr(options, "keys") else dict(vars(options))


def _read_vocabulary(folder: Path) -> Vocabulary:
    dictionary = load_dictionary(folder, remedy="put the checkpoint's dictionary there")
    symbols = dictionary.symbols[dictionary.nspecial :]
    if "<mask>" in symbols:
        symbols.remove("<mask>")
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
