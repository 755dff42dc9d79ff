"""Milliseconds of teachers and students by our engines and by others', side by side.

    pip install ctranslate2 openvino
    python examples/mlkd/benchmark_engines.py OUT

Models have random weights, on which no time depends. OUT/MODEL/hf is a BERT that
`transformers` wrote, OUT/MODEL/exported what mlkd-import and mlkd-export make of it;
what is there is not made again. sentence-transformers pulls `transformers` down, so its
own int8 graph is made in an environment of its own, and measured where it is found:

    pip install 'sentence-transformers[onnx]'
    python examples/mlkd/benchmark_engines.py OUT --sentence-transformers

A student's model is compared with the teacher of the same width, the first model named.
Processes take turns in short rounds. Compared is the fastest run, and in brackets the
least of processors' time, which does not pass while others have them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from fairseq_mlkd.serve.onnx_engine import open_session

LEAN = ("12x768x3072", "4x768x1200")
HEADS = 12
CTRANSLATE, SENTENCES = "ctranslate2", "sentence-transformers"
CT2_FILES, ST_FILE = "ctranslate2", "sentence_transformers/onnx/model_int8.onnx"
INT8_ROWS, COLUMNS = 48, 32  # random calibration text


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("out", type=Path, help="folder of the models, made where they are missing")
    add(
        "--models",
        nargs="+",
        default=LEAN,
        help="LAYERSxWIDTHxINNER, the teacher first; default: %(default)s",
    )
    add("--vocabulary", type=int, default=120_000)
    add("--threads", type=int, default=1)
    add("--batch", type=int, default=1)
    add("--length", type=int, default=32)
    add("--rounds", type=int, default=20)
    add("--seconds", type=float, default=10.0, help="of each row, all rounds together")
    add(
        "--sentence-transformers",
        action="store_true",
        help="make the graphs of sentence-transformers, and stop",
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Make what is missing, measure, and print a table and its ratios."""
    args = parse_args(argv)
    if args.sentence_transformers:
        for model in args.models:
            make_sentence_transformers(args.out / model)
        return
    from fairseq_mlkd.latency.engines import Setting
    from fairseq_mlkd.latency.rounds import measure

    settings = []
    for model in args.models:
        folder = args.out / model
        make(folder, args.vocabulary)
        for engine in engines_of(folder):
            numbers = args.threads, args.batch, args.length
            settings.append(Setting(path_of(folder, engine), engine, *numbers))
    command = [sys.executable, __file__, "--worker"]
    rows = measure(settings, rounds=args.rounds, seconds=args.seconds, command=command)
    for setting, row in zip(settings, rows):
        row["model"] = setting.path.relative_to(args.out).parts[0]
        row["engine"] = setting.engine
        row["disk"] = size(setting)
    print(
        f"batch {args.batch} x {args.length}, threads {args.threads}, vocabulary "
        f"{args.vocabulary:,}, {args.rounds} rounds of {args.seconds / args.rounds:g} s"
    )
    print(table(rows))
    print(*ratios(rows), sep="\n")


# --- models


def make(folder: Path, vocabulary: int) -> None:
    """Make OUT/MODEL as the module says, and a model of CTranslate2."""
    from fairseq_mlkd.cli.export import main as export
    from fairseq_mlkd.cli.import_encoder import main as import_encoder
    from fairseq_mlkd.convert.int8 import write_int8
    from fairseq_mlkd.convert.trained import read_trained
    from fairseq_mlkd.serve.folder import write_facts
    from fairseq_mlkd.serve.inputs import join_pair

    theirs, ours, exported = (folder / x for x in ("hf", "encoder", "exported"))
    if not theirs.exists():
        make_bert(theirs, vocabulary)
    if not ours.exists():
        import_encoder([str(theirs), str(ours)])
    if not exported.exists():
        export([str(ours / "model.pt"), str(exported), "--onnx"])
        trained = read_trained(ours / "model.pt")
        ids = np.random.default_rng(2).integers(5, vocabulary, (INT8_ROWS, COLUMNS))
        texts = [join_pair(row, None, COLUMNS + 2, "refuse") for row in ids.tolist()]
        write_int8(exported, trained.facts, trained.weights, texts)
        write_facts(exported, trained.facts)
    if find_spec(CTRANSLATE) and not (folder / CT2_FILES).exists():
        from ctranslate2.converters import TransformersConverter

        converter = TransformersConverter(str(exported))
        converter.convert(str(folder / CT2_FILES), quantization="int8")


def make_bert(folder: Path, vocabulary: int) -> None:
    """Write a BERT of random weights and a vocabulary of made-up words."""
    import torch
    import transformers

    torch.manual_seed(1)
    layers, width, inner = map(int, folder.parent.name.split("x"))
    config = transformers.BertConfig(
        vocab_size=vocabulary,
        num_hidden_layers=layers,
        hidden_size=width,
        intermediate_size=inner,
        num_attention_heads=HEADS,
        max_position_embeddings=512,
    )
    model = transformers.BertModel(config, add_pooling_layer=False)
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):  # of zeros, an engine may leave them out
            torch.nn.init.normal_(parameter, std=config.initializer_range)
    model.save_pretrained(folder)
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words = [f"w{i}" for i in range(vocabulary - len(special))]
    text = "".join(f"{word}\n" for word in (*special, *words))
    (folder / "vocab.txt").write_text(text, encoding="utf-8")
    tokenizer = transformers.BertTokenizerFast.from_pretrained(folder)
    tokenizer.save_pretrained(folder)


def make_sentence_transformers(folder: Path) -> None:
    """Make the int8 graph of its recipe: dynamic, per channel."""
    import sentence_transformers

    out = folder / Path(ST_FILE).parts[0]
    kind = {"backend": "onnx", "model_kwargs": {"export": True}}
    model = sentence_transformers.SentenceTransformer(str(folder / "hf"), **kind)
    model.save_pretrained(str(out))
    sentence_transformers.export_dynamic_quantized_onnx_model(
        model, "avx512_vnni", str(out), file_suffix="int8"
    )


def engines_of(folder: Path) -> Iterator[str]:
    """Yield what can run a model, transformers first."""
    from fairseq_mlkd.latency.engines import FAIRSEQ, offered

    first, *others = offered(folder / "exported")
    yield from (first, FAIRSEQ, *others)
    if (folder / CT2_FILES).exists():
        yield CTRANSLATE
    if (folder / ST_FILE).exists():
        yield SENTENCES


def path_of(folder: Path, engine: str) -> Path:
    """Return what the engine reads."""
    places = {
        "fairseq": "encoder/model.pt",
        CTRANSLATE: CT2_FILES,
        SENTENCES: ST_FILE,
    }
    return folder / places.get(engine, "exported")


def size(setting: Any) -> float:
    """Return megabytes on disk."""
    from fairseq_mlkd.latency.engines import megabytes

    if setting.engine == CTRANSLATE:
        return (setting.path / "model.bin").stat().st_size / 1e6
    if setting.engine == SENTENCES:
        return setting.path.stat().st_size / 1e6
    return megabytes(setting)


# --- engines of others


def open_run(setting: Any) -> Any:
    """Open one of ours or theirs."""
    from fairseq_mlkd.latency import engines

    if setting.engine not in (CTRANSLATE, SENTENCES):
        return engines.open_run(setting)
    vocabulary = 1000
    batch = engines.random_batch(setting, vocabulary, setting.length)
    if setting.engine == CTRANSLATE:
        import ctranslate2

        encoder = ctranslate2.Encoder(
            str(setting.path), compute_type="int8", intra_threads=setting.threads
        )
        rows = batch["input_ids"].tolist()
        return lambda: np.array(encoder.forward_batch(rows).last_hidden_state)
    session = open_session(setting.path, setting.threads)
    given = {x.name: batch[x.name] for x in session.get_inputs()}
    return lambda: session.run(None, given)


# --- what is printed


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return a Markdown table; `x` is how often as fast as the first row."""
    from fairseq_mlkd.files.markdown import align

    lines = [
        ["model", "engine", "least ms", "CPU ms", "p50 ms", "x", "MB", "MB memory"]
    ]
    for row in rows:
        numbers = [f"{row[key]:.2f}" for key in ("least", "cpu", "p50")]
        numbers += [f"{row['ratio']:.1f}", f"{row['disk']:.1f}", f"{row['peak']:.0f}"]
        lines.append([row["model"], row["engine"], *numbers])
    return align(lines)


def ratios(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield of each model how its int8 stands to the rest."""

    def ratio(some: list[dict[str, Any]], other: dict[str, Any], decimals: int) -> str:
        a, b = (min(one[x] for one in some) / other[x] for x in ("least", "cpu"))
        return f"{a:.{decimals}f} ({b:.{decimals}f})"

    first = rows[0]
    for model in dict.fromkeys(row["model"] for row in rows):
        of_model = {row["engine"]: row for row in rows if row["model"] == model}
        int8, ours = of_model["int8"], [of_model[x] for x in ("torch", "onnx")]
        said = [
            f"{ratio([first], int8, 1)} times as fast as {first['model']} in "
            f"{first['engine']}",
            f"{ratio(ours, int8, 2)} times as fast as our fastest float32",
            f"{int8['disk'] / of_model['onnx']['disk']:.3f} of its size",
        ]
        for name in (SENTENCES, CTRANSLATE):
            if name in of_model:
                said.append(f"{ratio([int8], of_model[name], 2)} of {name}'s time")
        yield f"{model} int8: {', '.join(said)}"


if __name__ == "__main__":
    if sys.argv[1] == "--worker":
        from fairseq_mlkd.latency.worker import work

        work(sys.argv[2:], open_run)
    else:
        main()
