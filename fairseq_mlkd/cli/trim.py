"""Make the embeddings of a checkpoint smaller: fewer symbols, or a lower rank.

OUT holds model.pt, dict.txt, the tokenizer and the labels: a teacher before stage 1, or
a student after. With fewer symbols, hidden states on the text that decided are the same
to the bit. A lower rank alone is poor (at half the numbers, sentences of a real encoder
keep a cosine of 0.95 to 0.98): train the model further.

Examples:

    mlkd-trim encoder/model.pt trimmed --text en=en.txt de=de.txt
    mlkd-trim encoder/model.pt thin --embedding-rank 128 --data data-bin
"""

from __future__ import annotations

import argparse
from pathlib import Path

from fairseq_mlkd.cli.command import make_parser, one_line_errors, read_languages
from fairseq_mlkd.files.writing import check_free, folder_on_success


def get_parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = make_parser("mlkd-trim", __doc__)
    parser.add_argument("source", metavar="SOURCE", type=Path, help="a checkpoint")
    parser.add_argument("out", metavar="OUT", type=Path, help="new folder")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--langs", help="comma-separated: what their training data in --data use"
    )
    what.add_argument(
        "--text",
        nargs="+",
        metavar="LANG=FILE[,FILE]",
        help="what this text uses, a sentence a line, packed or plain",
    )
    what.add_argument(
        "--embedding-rank",
        type=int,
        metavar="R",
        help="token embeddings as the nearest product of symbols x R and R x width "
        "numbers; what that loses on the dev data is printed",
    )
    parser.add_argument(
        "--dev-rows",
        type=int,
        default=1000,
        help="rows of each language for --embedding-rank",
    )
    parser.add_argument(
        "--data", type=Path, help="default: the data that the checkpoint names"
    )
    parser.add_argument(
        "--tokenizer", type=Path, help="default: the data or the checkpoint's folder"
    )
    return parser


def run(args: argparse.Namespace) -> list[str]:
    """Write the folder, or nothing (ValueError says why); return lines about it."""
    check_free(args.out)
    # take seconds, for which --help does not wait
    from fairseq_mlkd.convert import lower_rank
    from fairseq_mlkd.convert.trained import read_trained
    from fairseq_mlkd.convert.trim import read_data, read_texts, write_folder

    trained = read_trained(args.source, data=args.data, tokenizer=args.tokenizer)
    if args.embedding_rank is not None:
        with folder_on_success(args.out) as folder:
            return lower_rank.write_folder(
                folder, trained, args.embedding_rank, args.dev_rows
            )
    if args.langs:
        texts = read_data(trained, args.langs.split(","))
    else:
        texts = read_texts(trained.tokenizer, read_languages(args.text))
    with folder_on_success(args.out) as folder:
        return write_folder(folder, trained, texts)


@one_line_errors("mlkd-trim")
def main(argv: list[str] | None = None) -> None:
    """Run the command."""
    print("\n".join(run(get_parser().parse_args(argv))))


if __name__ == "__main__":
    main()
