"""Rows of each benchmark with true labels and predicted ones, and their scores."""

import json
from typing import Any

from labelled_files import mtop_row

from fairseq_mlkd.cli.score import main


def mtop(text: str, parse: str) -> str:
    return mtop_row(parse, text, intent="IN:X")


def massive(text: str, annotated: str, intent: str) -> str:
    about = {"locale": "en-US", "partition": "test", "intent": intent}
    return json.dumps({**about, "utt": text, "annot_utt": annotated})


PARSES = [
    "[IN:WAKE [SL:TIME at six ] [SL:PLACE in rome ] ]",
    "[IN:WAKE [SL:WHO me ] ]",
    "[IN:WAIT ]",
    "[IN:WAIT [SL:TIME seven ] ]",
]
SENTENCES = ["wake at six in rome", "wake me", "at six", "in seven"]
# by benchmark, each row with its true labels and with predicted ones
ROWS = {
    "xnli": [
        ("a\tb\tneutral", "a\tb\tneutral"),
        ("c\td\tentailment", "c\td\tneutral"),
        ("e\tf\tcontradiction", "e\tf\tcontradictory"),
    ],
    "pawsx": [
        ("1\ta\tb\t1", "1\ta\tb\t0"),
        ("2\tNS\td\t0", "2\tNS\td\tx"),
        ("3\te\tf\t0", "3\te\tf\t0"),
        ("4\tg\th\t1", "4\tg\th\tmaybe"),
    ],
    "wikiann": [
        ("rome\tB-LOC", "rome\tB-LOC"),
        ("me\tB-PER", "me\tB-ORG"),
        ("", ""),
        ("six\tO", "six\tX"),
        ("", ""),
        ("paris\tB-LOC", "paris\t"),
    ],
    "multiatis": [
        ("1\twake six\tO B-time\twake", "1\twake six\tO B-time\twait"),
        ("2\tin rome\tO B-city\twait", "2\tin rome\tO O\twait"),
        ("3\tat six\tO\twake", "3\tat six\tO\twake"),
        ("4\tme\tO\twait", "4\tme\tO O\twait"),
        ("5\tme\tO\twait", "5\tme\tO\twait"),
    ],
    "massive": [
        (
            massive("wake at six", "wake [time : at six]", "wake"),
            massive("wake at six", "wake at [time : six]", "wake"),
        ),
        (massive("me", "me", "wait"), massive("me", "[me", "wait")),
    ],
    "mtop": [
        (mtop(text, parse), mtop(text, predicted))
        for text, parse, predicted in zip(
            SENTENCES,
            PARSES,
            [
                "[IN:WAKE [SL:PLACE in rome ] [SL:TIME at six ] ]",
                "[IN:WAKE [SL:WHO rome ] ]",
                "[IN:WAIT",
                PARSES[3],
            ],
        )
    ],
}
GOLD = {name: [gold for gold, _ in rows] for name, rows in ROWS.items()}
PREDICTED = {name: [found for _, found in rows] for name, rows in ROWS.items()}


def score(capsys: Any, name: str, *arguments: Any) -> dict[str, Any]:
    """Run `mlkd-score` on a benchmark; return what it prints."""
    capsys.readouterr()
    main([name, *map(str, arguments)])
    return json.loads(capsys.readouterr().out)
