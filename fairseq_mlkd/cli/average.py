"""Average the weights of checkpoints: of one run, of seeds, or of stage 1 and stage 2.

Validation in the source language does not tell which checkpoint knows the other
languages best; the mean of several does well without being told (Schmidt et al., 2023).

Example:

    mlkd-average OUT.pt checkpoints/xnli/student --last 5
    mlkd-average OUT.pt seed1/checkpoint_best.pt seed2/checkpoint_best.pt
    mlkd-average OUT.pt stage1/checkpoint_last.pt stage2/checkpoint_best.pt \\
        --weights 0.3 0.7
"""

import argparse
from pathlib import Path

from fairseq_mlkd.cli.command import make_parser, one_line_errors
from fairseq_mlkd.files.writing import check_free


def get_parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = make_parser("mlkd-average", __doc__)
    parser.add_argument(
        "out", metavar="OUT.pt", type=Path, help="checkpoint to write; must not exist"
    )
    parser.add_argument(
        "sources",
        metavar="CHECKPOINT",
        nargs="+",
        type=Path,
        help="checkpoints; with --last, one --save-dir of fairseq-train",
    )
    parser.add_argument(
        "--last",
        metavar="K",
        type=int,
        help="the newest K numbered checkpoints of the folder; training keeps them with"
        " --keep-last-epochs K, or --save-interval-updates N"
        " --keep-interval-updates K (default: just those that are named)",
    )
    parser.add_argument(
        "--weights",
        metavar="W",
        nargs="+",
        type=float,
        help="of each checkpoint, of a sum of 1; then they may come from different runs"
        " on one shape of encoder, such as stages 1 and 2: OUT is the last one's model,"
        " each parameter the mean over those that have it (default: a plain mean)",
    )
    return parser


@one_line_errors("mlkd-average")
def main(argv: list[str] | None = None) -> None:
    """Run the command."""
    args = get_parser().parse_args(argv)
    # after the command line was read: torch takes a second to import
    from fairseq_mlkd.averaging import (
        average_checkpoints,
        mix_checkpoints,
        newest_checkpoints,
    )

    check_free(args.out)
    sources = args.sources
    if args.last is not None:
        if len(sources) != 1:
            raise ValueError("--last takes the one folder that a run saved to")
        sources = newest_checkpoints(sources[0], args.last)
    if args.weights is None:
        rule = average_checkpoints(sources, args.out)
    else:
        rule = mix_checkpoints(sources, args.weights, args.out)
    print(f"{args.out}: {rule}, of {', '.join(map(str, sources))}")


if __name__ == "__main__":
    main()
