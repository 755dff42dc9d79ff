"""One of our checkpoints -> a folder that is used without fairseq."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fairseq_mlkd.convert.model_card import write_card
from fairseq_mlkd.convert.options import Options
from fairseq_mlkd.convert.to_huggingface import write_huggingface
from fairseq_mlkd.convert.tokenizer_json import (
    Exported,
    build_tokenizer,
    tokenizer_config,
)
from fairseq_mlkd.convert.trained import Trained
from fairseq_mlkd.files.json_objects import write_json
from fairseq_mlkd.files.writing import copy_file
from fairseq_mlkd.metrics.results import main_scores
from fairseq_mlkd.serve.folder import INT8, ONNX, ONNX_DECODER, OURS, write_facts
from fairseq_mlkd.serve.predictor import Predictor
from fairseq_mlkd.text.dictionary import DICTIONARY_FILE

_CALIBRATION = 96  # texts, of all languages together


def write_folder(folder: Path, trained: Trained, options: Options) -> list[str]:
    """Write what transformers and the Predictor need into an empty folder.

    Returns:
        Lines that say what was written, and what could not be.
    Raises:
        ValueError: 8 bits lose more than the tolerance; naming the language.
    """
    facts, sections = trained.facts, []
    ours = folder / OURS
    ours.mkdir()
    trained.tokenizer.save(str(ours))
    copy_file(trained.dictionary, ours / DICTIONARY_FILE)
    shape = facts.encoder
    lines = [
        f"{facts.task}: {shape['encoder_layers']} layers x "
        f"{shape['encoder_embed_dim']}, {facts.vocabulary:,} symbols"
    ]
    extra = 0
    try:
        exported = build_tokenizer(trained.tokenizer, trained.symbols)
    except ValueError as error:
        lines.append(f"no tokenizer.json: {error}")
        sections.append(f"There is {lines[-1]}.")
    else:
        extra = exported.extra
        _write_tokenizer(folder, exported, trained)
    write_huggingface(folder, trained, extra)
    if options.onnx or options.int8:
        lines += write_onnx(folder, trained)
    if options.int8:
        section, found = write_int8(folder, trained, options)
        sections.append(section)
        lines += found
        if not options.onnx:
            for name in (ONNX, ONNX_DECODER):
                (folder / name).unlink(missing_ok=True)
    write_card(
        folder,
        trained,
        results=options.results,
        licence=options.licence,
        sections=sections,
    )
    write_facts(folder, replace(facts, scores=main_scores(options.results)))
    return lines


def _write_tokenizer(folder: Path, exported: Exported, trained: Trained) -> None:
    exported.tokenizer.save(str(folder / "tokenizer.json"))
    config = tokenizer_config(exported, trained.facts.max_positions)
    if trained.tokenizer.normalisation == "spoken":
        config["expects"] = "spoken form: see README.md"
    write_json(config, folder / "tokenizer_config.json")


def write_onnx(folder: Path, trained: Trained) -> list[str]:
    """Write the model in float32, and a parser's decoder; return lines about them."""
    from fairseq_mlkd.convert.onnx_graph import Graph
    from fairseq_mlkd.convert.onnx_models import write_graphs

    names = (ONNX, ONNX_DECODER)
    write_graphs(folder, trained.facts, lambda: Graph(trained.weights), names)
    return [f"{ONNX}: {(folder / ONNX).stat().st_size / 1e6:.1f} MB, float32"]


def write_int8(
    folder: Path, trained: Trained, options: Options
) -> tuple[str, list[str]]:
    """Write graphs of 8 bits and judge them; return a section and lines about them.

    Raises:
        ValueError: a language loses more than the tolerance.
    """
    from fairseq_mlkd.convert import gate, int8

    dev_sets = gate.read_dev_sets(trained, options.dev_rows)
    texts = gate.calibration_texts(dev_sets, -(-_CALIBRATION // len(dev_sets)))
    setting = int8.write_int8(folder, trained.facts, trained.weights, texts)
    write_facts(folder, trained.facts)
    trusted, judged = (Predictor(folder, engine=x) for x in ("onnx", "int8"))
    verdicts = gate.compare(trusted, judged, dev_sets)
    if not options.force:
        gate.refuse(verdicts, options.tolerance)
    size = (folder / INT8).stat().st_size / 1e6
    lines = [f"{INT8}: {size:.1f} MB, smoothing: {setting}"]
    lines += [f"int8 {verdict.describe()}" for verdict in verdicts]
    return gate.describe(verdicts, str(setting)), lines
