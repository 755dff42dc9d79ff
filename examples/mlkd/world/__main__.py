"""Write the miniature world: monolingual text, and benchmarks in official layouts.

Usage: python examples/mlkd/world OUT [--seed 1] [--sentences 20000] ...
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

HERE = Path(__file__).resolve().parent
if not __package__:  # a folder run as a script: make it a package
    sys.path[0] = str(HERE.parent)

from world.grammar import Language, load_languages  # noqa: E402
from world.inference import write_xnli  # noqa: E402
from world.monolingual import write_text  # noqa: E402
from world.paraphrase import write_pawsx  # noqa: E402
from world.parsing import write_mtop  # noqa: E402
from world.tagging import write_multiatis, write_wikiann  # noqa: E402
from world.utterances import SPLIT_SHARES  # noqa: E402


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="folder to write; must not exist")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other data")
    for name, default, text in (
        ("sentences", 20000, "lines of monolingual text a language"),
        ("train", 12000, "English training pairs of XNLI"),
        ("paraphrases", 5000, "English training pairs of PAWS-X"),
        ("dev", 300, "development pairs a language"),
        ("test", 600, "test pairs a language"),
    ):
        parser.add_argument(f"--{name}", type=int, default=default, help=text)
    parser.add_argument(
        "--utterances",
        nargs=3,
        type=int,
        default=[4000, 300, 500],
        metavar=("TRAIN", "DEV", "TEST"),
        help="rows of WikiAnn, of MultiATIS++ and of mTOP, a language",
    )
    return parser.parse_args()


def write_world(
    folder: Path, languages: Sequence[Language], args: argparse.Namespace
) -> None:
    """Write everything below `folder`."""
    (folder / "text").mkdir(parents=True)
    for language in tqdm(languages, "text", unit="language", disable=None):
        lines = write_text(language, languages, args.sentences, args.seed)
        target = folder / "text" / f"{language.code}.txt"
        with target.open("w", encoding="utf-8", newline="\n") as stream:
            stream.writelines(line + "\n" for line in lines)
    tested = args.dev, args.test
    write_xnli(folder / "xnli", languages, (args.train, *tested), args.seed)
    write_pawsx(folder / "pawsx", languages, (args.paraphrases, *tested), args.seed)
    utterances = dict(zip(SPLIT_SHARES, args.utterances))
    write_wikiann(folder / "wikiann", languages, utterances, args.seed)
    write_multiatis(folder / "multiatis", languages, utterances, args.seed)
    write_mtop(folder / "mtop", languages, utterances, args.seed)


def main() -> None:
    args = parse_args()
    drawn = {name: value for name, value in vars(args).items() if name != "out"}
    if args.out.exists():
        note = args.out / "world.json"
        if note.is_file() and json.loads(note.read_text()) == drawn:
            return
        sys.exit(f"{args.out}: holds something else; remove it or name another folder")
    partial = args.out.with_name(args.out.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        write_world(partial, load_languages(HERE / "languages"), args)
    except ValueError as error:
        shutil.rmtree(partial)
        sys.exit(str(error))
    (partial / "world.json").write_text(json.dumps(drawn) + "\n")
    partial.rename(args.out)


if __name__ == "__main__":
    main()
