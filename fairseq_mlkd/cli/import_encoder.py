"""Import a public encoder: checkpoint, dictionary and tokenizer.

Example:

    mlkd-import downloads/multilingual-e5-small encoder
"""

import argparse
from pathlib import Path

from fairseq_mlkd.cli.command import make_parser, one_line_errors


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = make_parser("mlkd-import", __doc__)
    parser.add_argument(
        "source",
        metavar="SOURCE",
        type=Path,
        help="Hugging Face folder of a BERT, DistilBERT, ELECTRA, RoBERTa, CamemBERT "
        "or XLM-R; a name on the Hugging Face hub, such as "
        "intfloat/multilingual-e5-small, where no such folder is here; or a fairseq "
        "RoBERTa or XLM-R, folder or checkpoint, with dict.txt and "
        "sentencepiece.bpe.model beside it",
    )
    parser.add_argument(
        "out",
        metavar="OUT",
        type=Path,
        help="new folder for model.pt, dict.txt and the tokenizer's files",
    )
    parser.add_argument(
        "--revision",
        help="branch, tag or commit of a model of the hub; the commit is written into "
        "OUT/source.json; default: main",
    )
    case = parser.add_mutually_exclusive_group()
    case.add_argument(
        "--cased",
        action="store_true",
        default=None,
        help="keep capitals, whatever the tokenizer's files say; default: as they say, "
        "or as the vocabulary suggests",
    )
    case.add_argument(
        "--uncased",
        dest="cased",
        action="store_false",
        help="lower-case text, whatever they say",
    )
    parser.add_argument(
        "--data",
        type=Path,
        help="prepared data of the task that the source was fine-tuned on: its head "
        "takes their order of labels, so that it can teach a student on them",
    )
    return parser


@one_line_errors("mlkd-import")
def main(argv: list[str] | None = None) -> None:
    """Run the command."""
    args = get_parser().parse_args(argv)
    # takes seconds, for which --help does not wait
    from fairseq_mlkd.convert.importer import import_encoder

    lines = import_encoder(
        args.source,
        args.out,
        cased=args.cased,
        data=args.data,
        revision=args.revision,
    )
    print("\n".join(lines))


if __name__ == "__main__":
    main()
