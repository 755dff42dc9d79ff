"""Trim the vocabulary of a checkpoint to some languages or to a corpus.

OUT holds model.pt, dict.txt, the tokenizer and the labels: a teacher before stage 1, or
a student after. Hidden states on the text that decided are the same to the bit.

Example:

    mlkd-trim encoder/model.pt trimmed --text en=en.txt de=de.txt
"""

from __future__ import annotations

import argparse
from pathlib import Path

from fairseq_mlkd.cli.command import make_parser, one_line_errors
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
    from fairseq_mlkd.convert.trained import read_trained
    from fairseq_mlkd.convert.trim import read_data, read_texts, write_folder

    trained = read_trained(args.source, data=args.data, tokenizer=args.tokenizer)
    if args.langs:
        texts = read_data(trained, args.langs.split(","))
    else:
        texts = read_texts(trained.tokenizer, _read_files(args.text))
    with folder_on_success(args.out) as folder:
        return write_folder(folder, trained, texts)


def _read_files(given: list[str]) -> dict[str, list[str]]:
    files: dict[str, list[str]] = {}
    for argument in given:
        lang, mark, paths = argument.partition("=")
        if not mark or not lang or not paths:
            raise ValueError(f"--text {argument}: LANG=FILE is needed")
        files.setdefault(lang, []).extend(paths.split(","))
    return files


@one_line_errors("mlkd-trim")
def main(argv: list[str] | None = None) -> None:
    """Run the command."""
    print("\n".join(run(get_parser().parse_args(argv))))


if __name__ == "__main__":
    main()
