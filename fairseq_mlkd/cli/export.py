"""Export a checkpoint as a Hugging Face folder, ONNX and int8.

Example:

    mlkd-export checkpoints/wikiann/checkpoint_best.pt shipped --onnx --int8
"""

from __future__ import annotations

import argparse
from pathlib import Path

from fairseq_mlkd.cli.command import make_parser, one_line_errors
from fairseq_mlkd.convert.options import Options
from fairseq_mlkd.files.writing import check_free, folder_on_success
from fairseq_mlkd.metrics.results import results_of


def get_parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = make_parser("mlkd-export", __doc__)
    parser.add_argument(
        "checkpoint",
        metavar="CHECKPOINT",
        type=Path,
        help="of a task of ours, or the model.pt that mlkd-import wrote",
    )
    parser.add_argument("out", metavar="OUT", type=Path, help="new folder")
    parser.add_argument(
        "--data",
        type=Path,
        help="folder of the data that it was trained on, for its labels; default: the "
        "one that the checkpoint names",
    )
    parser.add_argument(
        "--tokenizer",
        type=Path,
        help="folder of subwords.json that the data were prepared with; default: the "
        "data or the checkpoint's folder",
    )
    parser.add_argument(
        "--results",
        type=Path,
        help="result lines of this model, for its card; default: results.jsonl beside "
        "the checkpoint",
    )
    parser.add_argument(
        "--onnx", action="store_true", help="write graphs for ONNX Runtime, too"
    )
    parser.add_argument(
        "--int8",
        action="store_true",
        help="write graphs of 8 bits, if the dev data of every language show that they "
        "are as good",
    )
    parser.add_argument(
        "--tolerance",
        type=float,
        default=Options.tolerance,
        help="points of the task's metric that a language may lose by --int8",
    )
    parser.add_argument(
        "--force", action="store_true", help="write --int8 whatever is lost"
    )
    parser.add_argument(
        "--dev-rows",
        type=int,
        default=Options.dev_rows,
        help="rows of each language that decide",
    )
    parser.add_argument("--licence", help="of the sources of its data, for its card")
    return parser


def export(args: argparse.Namespace) -> list[str]:
    """Write the folder, or nothing; return lines that say what was written.

    Raises:
        ValueError: in one line, why it cannot be done.
    """
    check_free(args.out)
    # take seconds, for which --help does not wait
    from fairseq_mlkd.convert.export import write_folder
    from fairseq_mlkd.convert.trained import read_trained

    options = Options(
        results=results_of(args.checkpoint, args.results),
        licence=args.licence,
        onnx=args.onnx,
        int8=args.int8,
        tolerance=args.tolerance,
        force=args.force,
        dev_rows=args.dev_rows,
    )
    trained = read_trained(args.checkpoint, data=args.data, tokenizer=args.tokenizer)
    with folder_on_success(args.out) as folder:
        return write_folder(folder, trained, options)


@one_line_errors("mlkd-export")
def main(argv: list[str] | None = None) -> None:
    """Run the command."""
    print("\n".join(export(get_parser().parse_args(argv))))


if __name__ == "__main__":
    main()
