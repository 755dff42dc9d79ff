"""Which --head-map? Students of an imported encoder, of as many heads and of fewer.

    python examples/mlkd/heads.py OUT ENCODER --text en=FILE,FILE fr=FILE \\
        --multiatis DIR --seeds 1 2 3

ENCODER is what mlkd-import reads, of 12 heads. Each student starts from layers of it,
is distilled on the text by embeddings, layers and attention, fine-tuned on English and
tested on every language. OUT/table.md is written after each seed. Run again, it
continues where it stopped.
"""

import os
import re
from collections.abc import Sequence

from pipeline import Stage, run_pipeline
from students import BEST, STAGE_1, Sources, named_sources, source_parser
from study import Benchmark, Training, add_benchmarks, named_benchmarks

from fairseq_mlkd.files.markdown import align
from fairseq_mlkd.report.pages import describe_examples, describe_seeds
from fairseq_mlkd.report.tables import summarise

# heads of the student -> --head-map; auto is one to one where the numbers agree
ARMS: dict[int, Sequence[str]] = {
    12: ("auto", "mean", "linear", "relation", "none"),
    8: ("mean", "linear", "relation", "none"),
}
TRAININGS = {"multiatis": Training(300, 4e-4, 32, warmup=30, options=BEST)}
_HIDDEN_LOSS = re.compile(r"valid on 'valid' subset .*?\bhidden_loss ([\d.e+-]+)")


def name_of(heads: int, head_map: str) -> str:
    return f"{heads} heads, {head_map}"


def stages(
    sources: Sources,
    benchmarks: Sequence[Benchmark],
    seeds: Sequence[int],
    scale: float = 1.0,
) -> list[Stage]:
    """Return all commands, seed after seed."""
    found = sources.stages(benchmarks)
    for seed in seeds:
        for heads, head_maps in ARMS.items():
            for head_map in head_maps:
                name, training = name_of(heads, head_map), STAGE_1.scaled(scale)
                distil = sources.distil(name, heads, head_map, seed, training)
                found.append(distil)
                student = sources.distilled(name, seed)
                for b in benchmarks:
                    tune = sources.finetune(b, name, seed, student, [distil.name])
                    tuned = sources.finetuned(b, name, seed)
                    found += [tune, sources.test(b, name, seed, tuned, [tune.name])]
    return found


def held_out_loss(sources: Sources, name: str, seed: int) -> float:
    """Return the hidden term of equation 3 on held-out text, when stage 1 ended.

    Raises:
        ValueError: the log does not say.
    """
    log = Stage(f"distil {name}, seed {seed}", ()).log(sources.out)
    found = _HIDDEN_LOSS.findall(log.read_text())
    if not found:
        raise ValueError(
            f"{log} holds no validation: remove the student and its marker"
        )
    return float(found[-1])


def table(sources: Sources, benchmark: Benchmark, seeds: Sequence[int]) -> str:
    """Return a row an arm: held-out loss, then each metric in English and zero-shot."""
    metrics = sources.tables(benchmark, seeds)
    header = ["student heads, --head-map", "100 x held-out hidden loss"]
    for metric in metrics:
        header += [f"en {metric.metric}", f"zero-shot {metric.metric}"]
    rows = [header]
    for heads, head_maps in ARMS.items():
        for name in (name_of(heads, head_map) for head_map in head_maps):
            losses = [100 * held_out_loss(sources, name, seed) for seed in seeds]
            row = [name, str(summarise(losses))]
            for metric in metrics:
                row += [str(metric.score(name, "en")), str(metric.zero_shot(name))]
            rows.append(row)
    notes = [describe_seeds(metrics[0]), describe_examples(metrics[0])]
    notes.append(f"Zero-shot: the mean of {', '.join(metrics[0].averaged_langs)}.")
    return f"## {metrics[0].name}\n\n{align(rows)}\n\n" + "  \n".join(notes) + "\n"


def main() -> None:
    parser = source_parser(__doc__)
    add_benchmarks(parser, TRAININGS)
    args = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    benchmarks = named_benchmarks(parser, args, TRAININGS)
    sources = named_sources(args)
    for done in range(1, len(args.seeds) + 1):
        seeds = args.seeds[:done]
        commands = stages(sources, benchmarks, seeds, args.scale)
        run_pipeline(commands, sources.out, jobs=args.jobs)
        text = "\n".join(table(sources, b, seeds) for b in benchmarks)
        (sources.out / "table.md").write_text(text)
        print(text, flush=True)


if __name__ == "__main__":
    main()
