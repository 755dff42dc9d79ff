"""Another toolkit's encoder -> our checkpoint, dictionary and tokenizer."""

from dataclasses import asdict
from pathlib import Path

import torch
from fairseq.data import Dictionary

from fairseq_mlkd.admission import check_sizes
from fairseq_mlkd.checkpoint import check_shapes
from fairseq_mlkd.convert.fairseq import CHECKPOINT_FILE, read_fairseq
from fairseq_mlkd.convert.foreign import ForeignEncoder
from fairseq_mlkd.convert.from_export import is_export, write_checkpoint
from fairseq_mlkd.convert.heads import FoundHead, order_labels
from fairseq_mlkd.convert.hub import CONFIG_FILE, find_source
from fairseq_mlkd.convert.huggingface import SHAPE, read_huggingface
from fairseq_mlkd.convert.naming import HUGGINGFACE_NAMES, Converted, convert
from fairseq_mlkd.convert.state import build_state, write_labels
from fairseq_mlkd.convert.trained import read_labels
from fairseq_mlkd.data.folders import LABEL
from fairseq_mlkd.files.writing import check_free, folder_on_success, is_free
from fairseq_mlkd.models.multilingual_encoder import MultilingualEncoderModel
from fairseq_mlkd.text.dictionary import DICTIONARY_FILE, MASK


def import_encoder(
    path: Path,
    out: Path,
    *,
    cased: bool | None = None,
    data: Path | None = None,
    revision: str | None = None,
) -> list[str]:
    """Convert the encoder at `path` into the new folder `out`, or write nothing.

    Args:
        path: Hugging Face folder, or a fairseq RoBERTa: folder or checkpoint; or where
            there is none, a name on the hub.
        cased: whether a WordPiece tokenizer keeps capitals; None: as its files say.
        data: prepared data, whose order of labels a fine-tuned head takes.
        revision: of a model of the hub; None: its main branch.
    Returns:
        Lines that say what was imported, what was guessed and what was left out.
    Raises:
        ValueError: in one line, why it cannot be done.
    """
    _check_folders(path, out)
    origin = find_source(path, revision)
    path = origin.folder
    if is_export(path):
        with folder_on_success(out, shared=True) as partial:
            origin.record(partial)
            return [*origin.describe(), *write_checkpoint(path, partial)]
    source = read_source(path, cased=cased)
    dictionary = _build_dictionary(source.vocabulary.symbols)
    symbols = _with_mask(dictionary)
    try:
        converted, head = _convert(source, symbols, data)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    state = build_state(
        {**asdict(source.cfg), "_name": "multilingual_encoder"},
        converted.weights,
        symbols.symbols,
        task=head.task if head else "multilingual_mlm",
        labels=head.labels if head else (),
    )
    with folder_on_success(out, shared=True) as partial:
        origin.record(partial)
        source.vocabulary.tokenizer.save(str(partial))
        dictionary.save(str(partial / DICTIONARY_FILE))
        torch.save(state, str(partial / CHECKPOINT_FILE))
        if head is not None:
            write_labels(partial, LABEL, head.labels)
    labels = [f"{head.name}: {', '.join(head.labels)}"] if head else []
    return [*origin.describe(), *describe(source, converted), *labels]


def _convert(
    source: ForeignEncoder, symbols: Dictionary, data: Path | None
) -> tuple[Converted, FoundHead | None]:
    """Return weights that fit our model, and its head with labels as in the data.

    Raises:
        ValueError: they do not fit.
    """
    cfg, head = source.cfg, source.head
    converted = convert(source.tensors, source.names, source.order)
    cfg.no_lm_head = "lm_head.dense.weight" not in converted.weights
    is_theirs = source.names.prefix == HUGGINGFACE_NAMES.prefix
    check_sizes(asdict(cfg), converted.weights, SHAPE if is_theirs else {})
    model = MultilingualEncoderModel(cfg, symbols)
    if head is not None:
        model.add_head(head.name, len(head.labels), pooled=head.pooled)
    advice = "the configuration is that of another model"
    check_shapes(converted.weights, model.state_dict(), advice)
    if head is not None and data is not None:
        head = order_labels(head, converted.weights, read_labels(data, LABEL))
    return converted, head


def _check_folders(path: Path, out: Path) -> None:
    """Refuse an output folder that holds something."""
    if not is_free(out) and not path.exists() and _is_source(out):
        raise ValueError(
            f"{path}: no such file or folder, and {out} is an encoder: the order is "
            "mlkd-import SOURCE OUT"
        )
    check_free(out)


def _is_source(path: Path) -> bool:
    return path.is_file() or any(
        (path / name).is_file() for name in (CONFIG_FILE, CHECKPOINT_FILE)
    )


def read_source(path: Path, *, cased: bool | None = None) -> ForeignEncoder:
    """Tell the kinds of sources apart, and read.

    Raises:
        ValueError: none of them.
    """
    if path.is_file() and path.suffix == ".safetensors":
        raise ValueError(f"{path}: name the folder that holds it, with its tokenizer")
    if path.is_file():
        return read_fairseq(path)
    if not path.is_dir():
        raise ValueError(f"{path}: no such file or folder")
    if (path / CONFIG_FILE).is_file():
        return read_huggingface(path, cased=cased)
    if (path / CHECKPOINT_FILE).is_file():
        return read_fairseq(path / CHECKPOINT_FILE)
    raise ValueError(
        f"{path}: neither {CONFIG_FILE}, of a Hugging Face model, nor "
        f"{CHECKPOINT_FILE}, of a fairseq one"
    )


def _build_dictionary(symbols: list[str]) -> Dictionary:
    dictionary = Dictionary()
    for symbol in symbols:
        dictionary.add_symbol(symbol)
    return dictionary


def _with_mask(dictionary: Dictionary) -> Dictionary:
    """Complete what `dict.txt` holds, as tasks do."""
    completed = _build_dictionary(dictionary.symbols[dictionary.nspecial :])
    completed.add_symbol(MASK)
    return completed


def describe(source: ForeignEncoder, converted: Converted) -> list[str]:
    """Return lines about what was imported, and what was left out."""
    cfg, vocabulary = source.cfg, source.vocabulary
    head = "no masked-LM head" if cfg.no_lm_head else "a masked-LM head"
    lines = [
        f"encoder: {cfg.encoder_layers} layers x {cfg.encoder_embed_dim}, "
        f"{cfg.encoder_attention_heads} heads, {cfg.max_positions} positions, {head}",
        f"vocabulary: {len(vocabulary.rows):,} symbols "
        f"({vocabulary.tokenizer.subwords.kind})",
    ]
    if vocabulary.note:
        lines.append(vocabulary.note)
    if converted.reason:
        lines.append(f"left out: the masked-LM head: {converted.reason}")
    if converted.unused_rows:
        lines.append(
            f"left out: {converted.unused_rows} embeddings that no symbol belongs to"
        )
    if converted.left_out:
        lines.append(
            f"left out: {len(converted.left_out)} tensors outside the encoder: "
            + ", ".join(converted.left_out)
        )
    return lines
