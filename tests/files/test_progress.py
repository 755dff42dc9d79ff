"""A bar in a terminal, and one line in a log."""

import sys

import pytest

from fairseq_mlkd.files.progress import show_progress


@pytest.mark.parametrize(
    "total, size", [(4000, ": 4,000 rows"), (1, ": 1 row"), (None, "")]
)
def test_a_log_gets_one_line(capsys, total, size):
    steps = show_progress("reading", iter("abcd"), total=total, unit="rows")
    assert list(steps) == [*"abcd"]
    assert capsys.readouterr() == ("", f"reading{size}\n")


def test_a_terminal_gets_a_bar(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with show_progress("rows of x", total=4000, unit="rows") as progress:
        progress.update(4000)
    assert "\rrows of x: 100%" in capsys.readouterr().err
