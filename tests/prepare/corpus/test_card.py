"""The data card: text and pictures from a report alone."""

import re
import sys

import pytest

from fairseq_mlkd.prepare.corpus.card import render_card, write_card
from fairseq_mlkd.prepare.corpus.report import characters_by_fate

LANGS = ("en", "de", "fr", "ja", "hi", "it", "es", "pt")
PICTURES = ["card_shares.png", "card_subwords.png", "card_text.png"]


def make_report(langs=LANGS, **changes):
    """Return a report in which the first language is the largest."""
    sizes = [1_000_000 // (rank + 1) for rank in range(len(langs))]
    roots = [size**0.5 for size in sizes]
    languages = {
        lang: language_entry(lang, size, size / sum(sizes), root / sum(roots))
        for lang, size, root in zip(langs, sizes, roots)
    }
    return {
        "arguments": {
            "files": {lang: [f"{lang}.xml.bz2"] for lang in langs},
            "alpha": 0.5,
            "seed": 7,
            "codes": 120_000,
            "codes_from": None,
        },
        "training_alpha": 1.0,
        "dictionary_size": 120_004,
        "shards": 1,
        "languages": languages,
        **changes,
    }


def language_entry(lang, size, before, after):
    """10% empty, 5% short, 15% too long, 20% duplicate: half of all is kept."""
    tenths = {"empty": 2, "short": 1, "too_long": 3, "duplicate": 4}
    return {
        "files": {
            f"{lang}.xml.bz2": {
                "pages": size // 20,
                "characters": 200 * size,
                "dropped": {"redirect": size // 40, "namespace": 0},
            }
        },
        "documents": size // 40,
        "sentences": size,
        "characters_in": 200 * size,
        "characters_written": 120 * size,
        "unreadable_lines": 0,
        "dropped": {reason: n * size // 20 for reason, n in tenths.items()},
        "dropped_characters": {reason: n * size for reason, n in tenths.items()},
        "characters": 90 * size,
        "train": size,
        "valid": 1000,
        "share_before": before,
        "share_after": after,
        "tokens": 15 * size,
        "words": 10 * size,
        "unknown_rate": 0.0000125,
        "subwords_per_word": 1.5,
        "whole_words": 0.6,
        "symbols": 30_001,
    }


def rows_of(card, title, table=0):
    """Return the cells of a table under a heading, by the first cell of each row."""
    section = card.split(f"## {title}\n")[1].split("\n## ")[0]
    parts = section.strip().split("\n\n")
    lines = [part for part in parts if part.startswith("|")][table].split("\n")
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {first: rest for first, *rest in cells}


def test_sizes_add_up():
    rows = rows_of(render_card(make_report(["en", "de"]), ""), "Sizes")
    titles = ["documents", "characters in", "sentences", "kept", "train", "valid"]
    assert rows["language"] == titles
    numbers = {lang: dict(zip(titles, row)) for lang, row in rows.items()}
    assert numbers["en"]["sentences"] == "1,000,000"
    assert numbers["en"]["kept"] == "500,000"
    assert numbers["all"]["kept"] == "750,000"
    assert numbers["all"]["characters in"] == "300,000,000"


def test_one_language_needs_no_total():
    assert "all" not in rows_of(render_card(make_report(["en"]), ""), "Sizes")


def test_what_was_left_out_is_in_percent_by_reason():
    card = render_card(make_report(["en"]), "")
    sentences, characters = (rows_of(card, "What was left out", n) for n in (0, 1))
    assert sentences["language"] == ["kept", "empty", "short", "too long", "duplicate"]
    assert sentences["en"] == ["50.00%", "10.00%", "5.00%", "15.00%", "20.00%"]
    assert characters["language"][-2:] == ["normalisation", "markup"]
    assert characters["en"][0] == "45.00%"
    assert characters["en"][-2:] == ["10.00%", "40.00%"]


@pytest.mark.parametrize("written", [0, 90, 120, 200])
def test_characters_are_accounted_for_to_the_last_one(written):
    entry = make_report(["de"])["languages"]["de"]
    entry["characters_written"] = written * 1_000_000
    assert sum(characters_by_fate(entry).values()) == entry["characters_in"]


def test_shares_and_how_often_a_sentence_is_drawn():
    card = render_card(make_report(["en", "de"]), "")
    rows = rows_of(card, "Language shares")
    assert rows["en"] == ["66.67%", "58.58%", "2.00"]
    assert "The data hold the shares after sampling." in card
    card = render_card(make_report(["en", "de"], training_alpha=0.5), "")
    assert "training draws by the later shares." in card


def test_vocabulary_names_coverage_and_unknown_rate():
    rows = rows_of(render_card(make_report(["en"]), ""), "Vocabulary")
    words, tokens, ratio, whole, unknown, symbols = rows["en"]
    assert (words, tokens, ratio) == ("10,000,000", "15,000,000", "1.500")
    assert (whole, unknown) == ("60.00%", "0.0013%")
    assert symbols == "30,001 (25.00%)"


def test_sources_name_first_and_last_of_many_files():
    report = make_report(["en"])
    file = {"lines": 500, "characters": 1, "dropped": {"empty": 2}}
    names = [f"wiki-{n:02}.txt" for n in range(12)]
    report["languages"]["en"]["files"] = dict.fromkeys(names, file)
    row = rows_of(render_card(report, ""), "Sources")["en"]
    assert row == [
        "`wiki-00.txt` … `wiki-11.txt` (12 files)",
        "6,000 lines",
        "24 empty",
    ]


def test_arguments_are_listed_without_the_files():
    rows = rows_of(render_card(make_report(), ""), "How it was made")
    assert rows == {
        "argument": ["value"],
        "-" * 10: ["------:"],  # the line under the header
        "alpha": ["0.5"],
        "seed": ["7"],
        "codes": ["120,000"],
        "codes_from": ["–"],
    }


def test_summary_says_how_to_train():
    card = render_card(make_report(training_alpha=0.3, shards=4), "")
    summary = card.split("\n")[2]
    assert "in 4 shards" in summary and "--sampling-alpha 0.3" in summary


def test_a_language_of_which_nothing_is_left_has_no_rates():
    report = make_report(["en"])
    entry = report["languages"]["en"]
    entry.update(sentences=0, characters=0, train=0, valid=0)
    entry.update(characters_in=0, characters_written=0)
    entry["dropped"] = entry["dropped_characters"] = {"empty": 0}
    card = render_card(report, "")
    assert rows_of(card, "What was left out")["en"] == ["–", "–"]
    assert rows_of(card, "Language shares")["en"][-1] == "–"


@pytest.mark.parametrize(
    "n", [1, 12, *(pytest.param(n, marks=pytest.mark.slow) for n in (8, 30))]
)
def test_pictures_have_the_same_bytes_each_time(tmp_path, n):
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    report = make_report([f"l{rank}" for rank in range(n)])
    written = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        write_card(report, str(folder))
        written.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert written[0] == written[1]
    assert sorted(written[0]) == ["card.md", *PICTURES]
    assert all(written[0][name].startswith(b"\x89PNG") for name in PICTURES)
    shown = re.findall(r"!\[.+\]\((.+)\)", written[0]["card.md"].decode())
    assert sorted(shown) == PICTURES


def test_picture_and_table_agree_where_normalisation_adds_characters():
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    from matplotlib.figure import Figure

    from fairseq_mlkd.prepare.corpus.card_pictures import draw_text

    report = make_report(["en"])
    entry = report["languages"]["en"]
    entry["characters_written"] -= 30 * entry["sentences"]
    assert characters_by_fate(entry)["normalisation"] < 0
    card = render_card(report, "").split("In percent of the characters read")[1]
    kept = re.search(r"^\| en +\| +([\d.]+)%", card, re.M)[1]
    axes = Figure().subplots()
    draw_text(axes, report["languages"])
    assert [text.get_text() for text in axes.texts] == [f"{kept} kept"]
    assert axes.patches[0].get_width() == pytest.approx(float(kept), abs=0.005)
    ends = max(bar.get_x() + bar.get_width() for bar in axes.patches)
    assert axes.get_xlim()[1] == pytest.approx(ends) and ends > 100
    assert "beyond 100" in axes.get_xlabel()


def test_dots_at_the_edge_are_whole():
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    from matplotlib.figure import Figure

    from fairseq_mlkd.prepare.corpus.card_pictures import draw_shares, draw_subwords

    for draw in (draw_shares, draw_subwords):
        axes = Figure().subplots()
        draw(axes, make_report()["languages"])
        assert axes.lines and not any(line.get_clip_on() for line in axes.lines)


def test_pictures_say_nothing_of_the_program_that_drew_them(tmp_path):
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    write_card(make_report(["en"]), str(tmp_path))
    for name in PICTURES:
        chunks = (tmp_path / name).read_bytes()
        assert b"tEXt" not in chunks and b"matplotlib" not in chunks


def test_pictures_ignore_the_settings_of_the_user(tmp_path):
    matplotlib = pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    write_card(make_report(), str(first))
    with matplotlib.rc_context({"axes.facecolor": "black", "lines.markersize": 20}):
        write_card(make_report(), str(second))
    for name in PICTURES:
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_without_matplotlib_the_card_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for module in (
        "fairseq_mlkd.prepare.corpus.card_pictures",
        "fairseq_mlkd.files.pictures",
    ):
        monkeypatch.delitem(sys.modules, module, raising=False)
    write_card(make_report(), str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["card.md"]
    card = (tmp_path / "card.md").read_text(encoding="utf-8")
    pip = "pip install 'fairseq_mlkd[report]'"
    assert f"No pictures: matplotlib is missing: {pip}" in card and "![" not in card
