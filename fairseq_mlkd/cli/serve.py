"""Answer raw text over HTTP, and on a page to type into, by an exported folder.

A call of POST /predict is what the Predictor takes, as JSON: a text; an object with
`text`, `text_pair`, `words` and `lang`; or a list of these, in which a list of two
texts is a pair. /predict?lang=de is the language of those that do not say.

Example:

    mlkd-serve shipped --port 8080
    curl http://127.0.0.1:8080/predict -d '"Angela Merkel was born in Hamburg."'
"""

from __future__ import annotations

import argparse
import socket

from fairseq_mlkd.cli.command import make_parser, one_line_errors
from fairseq_mlkd.cli.predict import add_predictor_options, open_predictor
from fairseq_mlkd.serve.batcher import Batcher

_SECONDS_TO_END = 30  # for calls under way when the service is told to end
_MOST_CONNECTIONS = 1000


def get_parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = make_parser("mlkd-serve", __doc__)
    add_predictor_options(parser)
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen at; the service knows no passwords: let others reach "
        "it through a server that does",
    )
    for flag, default, text in (
        ("--port", 8080, "0: any that is free"),
        ("--batch", 32, "the most texts that are computed together"),
        ("--workers", 1, "batches that are computed at the same time"),
        ("--queue", 256, "the most texts that wait; further calls are answered 503"),
        ("--max-texts", 64, "of one call"),
        ("--max-length", 2000, "of a request, in characters"),
        ("--max-body", 1 << 20, "of a call, in bytes"),
    ):
        parser.add_argument(flag, type=int, default=default, help=text)
    return parser


def check(args: argparse.Namespace) -> None:
    """Refuse numbers that make no service.

    Raises:
        ValueError: naming the option.
    """
    options = "batch", "workers", "queue", "max_texts", "max_length", "max_body"
    for name in options:
        if getattr(args, name) < 1:
            raise ValueError(f"--{name.replace('_', '-')}: a number from 1 is needed")
    if args.queue < args.max_texts:
        raise ValueError(
            f"--queue {args.queue}: less than the {args.max_texts} texts that a call "
            "may have; choose a smaller --max-texts"
        )


@one_line_errors("mlkd-serve")
def main(argv: list[str] | None = None) -> None:
    """Run the command."""
    args = get_parser().parse_args(argv)
    check(args)
    import uvicorn

    from fairseq_mlkd.serve.service import Limits, build_app

    predictor = open_predictor(args)
    kind = socket.AF_INET6 if ":" in args.host else socket.AF_INET
    try:
        listening = socket.create_server((args.host, args.port), family=kind)
    except (OSError, OverflowError) as error:
        raise ValueError(f"{args.host}:{args.port}: {error}") from None
    batcher = Batcher(
        predictor, batch=args.batch, waiting=args.queue, workers=args.workers
    )
    limits = Limits(args.max_body, args.max_texts, args.max_length)
    config = uvicorn.Config(
        build_app(batcher, predictor.facts, limits),
        log_level="warning",
        server_header=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=_SECONDS_TO_END,
    )
    host = f"[{args.host}]" if ":" in args.host else args.host
    where = f"http://{host}:{listening.getsockname()[1]}"
    print(f"{args.folder}: {predictor.facts.task} at {where}", flush=True)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
