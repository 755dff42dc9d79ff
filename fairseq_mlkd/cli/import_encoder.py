"""`mlkd-import`: a public encoder -> our checkpoint, dictionary and tokenizer."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from fairseq.data import Dictionary

from fairseq_mlkd.checkpoint import DICTIONARY_KEY, dictionary_sha256
from fairseq_mlkd.cli.command import make_parser, one_line_errors
from fairseq_mlkd.convert.fairseq import CHECKPOINT_FILE, read_fairseq
from fairseq_mlkd.convert.huggingface import CONFIG_FILE, read_huggingface
from fairseq_mlkd.convert.naming import Converted, Layout, Weights, convert
from fairseq_mlkd.convert.source import Source
from fairseq_mlkd.files.writing import folder_on_success
from fairseq_mlkd.models.multilingual_encoder import (
    MultilingualEncoderConfig,
    MultilingualEncoderModel,
)
from fairseq_mlkd.tasks.multilingual_mlm import MultilingualMLMConfig


def get_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = make_parser("mlkd-import", __doc__)
    parser.add_argument(
        "source",
        metavar="SOURCE",
        type=Path,
        help="Hugging Face folder of a BERT or XLM-R, or a fairseq RoBERTa or XLM-R: "
        "folder or checkpoint, with dict.txt and sentencepiece.bpe.model beside it",
    )
    parser.add_argument(
        "out",
        metavar="OUT",
        type=Path,
        help="new folder for model.pt, dict.txt and the tokenizer's files",
    )
    return parser


def read_source(path: Path) -> Source:
    """Tell the kinds of sources apart, and read.

    Raises:
        ValueError: none of them.
    """
    if path.is_file():
        return read_fairseq(path)
    if not path.is_dir():
        raise ValueError(f"{path}: no such file or folder")
    if (path / CONFIG_FILE).is_file():
        return read_huggingface(path)
    if (path / CHECKPOINT_FILE).is_file():
        return read_fairseq(path / CHECKPOINT_FILE)
    raise ValueError(
        f"{path}: neither {CONFIG_FILE}, of a Hugging Face model, nor "
        f"{CHECKPOINT_FILE}, of a fairseq one"
    )


def import_encoder(path: Path, out: Path) -> list[str]:
    """Convert the encoder at `path` into the new folder `out`, or write nothing.

    Returns:
        Lines that say what was imported and what was left out.
    Raises:
        ValueError: in one line, why it cannot be done.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"{out} exists already; remove it or name another folder")
    source = read_source(path)
    vocabulary = source.vocabulary
    layout = Layout(vocabulary.rows, source.first_position, vocabulary.has_segments)
    dictionary = _build_dictionary(vocabulary.symbols)
    try:
        converted = convert(source.tensors, source.names, layout)
        source.cfg.no_lm_head = "lm_head.dense.weight" not in converted.weights
        model = MultilingualEncoderModel(source.cfg, _with_mask(dictionary))
        check_shapes(converted.weights, model.state_dict())
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    _write(out, source, converted.weights, dictionary)
    return describe(source, converted)


def _build_dictionary(symbols: list[str]) -> Dictionary:
    dictionary = Dictionary()
    for symbol in symbols:
        dictionary.add_symbol(symbol)
    return dictionary


def _with_mask(dictionary: Dictionary) -> Dictionary:
    """As tasks complete what `dict.txt` holds."""
    completed = _build_dictionary(dictionary.symbols[dictionary.nspecial :])
    completed.add_symbol("<mask>")
    return completed


def check_shapes(weights: Weights, expected: Weights) -> None:
    """Compare parameters with those of the model that the configuration describes.

    Raises:
        ValueError: one is missing, left over or of another shape.
    """
    for name in sorted(expected.keys() | weights.keys()):
        if name not in weights:
            raise ValueError(f"the weights lack {name}: they are not complete")
        if name not in expected:
            raise ValueError(f"the weights hold {name}, which the model lacks")
        found, wanted = tuple(weights[name].shape), tuple(expected[name].shape)
        if found != wanted:
            raise ValueError(f"{name} is {found} in the weights, not {wanted}")


def _write(out: Path, source: Source, weights: Weights, dictionary: Dictionary) -> None:
    with folder_on_success(out) as partial:
        source.vocabulary.tokenizer.save(str(partial))
        dictionary.save(str(partial / "dict.txt"))
        state = build_checkpoint(source.cfg, weights, _with_mask(dictionary))
        torch.save(state, str(partial / CHECKPOINT_FILE))


def build_checkpoint(
    cfg: MultilingualEncoderConfig, weights: Weights, dictionary: Dictionary
) -> dict[str, Any]:
    """A checkpoint that fairseq's commands read like one of `multilingual_mlm`."""
    # of these options, commands replace those that they are given
    task = MultilingualMLMConfig(data="", seed=1, path=None, ddp_backend="pytorch_ddp")
    return {
        "cfg": {
            "model": {**asdict(cfg), "_name": "multilingual_encoder"},
            "task": {**asdict(task), "_name": "multilingual_mlm"},
            "criterion": {"_name": "task_cross_entropy"},
        },
        "args": None,
        "model": weights,
        "task_state": {DICTIONARY_KEY: dictionary_sha256(dictionary)},
        "criterion": None,
        "optimizer_history": [{"num_updates": 0, "lr_scheduler_state": {}}],
        "last_optimizer_state": None,
        "extra_state": {"epoch": 1, "train_iterator": {"epoch": 1}},
    }


def describe(source: Source, converted: Converted) -> list[str]:
    """What was imported, and what was left out."""
    cfg, vocabulary = source.cfg, source.vocabulary
    head = "no masked-LM head" if cfg.no_lm_head else "a masked-LM head"
    lines = [
        f"encoder: {cfg.encoder_layers} layers x {cfg.encoder_embed_dim}, "
        f"{cfg.encoder_attention_heads} heads, {cfg.max_positions} positions, {head}",
        f"vocabulary: {len(vocabulary.rows):,} symbols "
        f"({vocabulary.tokenizer.subwords.kind})",
    ]
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


@one_line_errors("mlkd-import")
def main(argv: list[str] | None = None) -> None:
    """Run the command."""
    args = get_parser().parse_args(argv)
    print("\n".join(import_encoder(args.source, args.out)))


if __name__ == "__main__":
    main()
