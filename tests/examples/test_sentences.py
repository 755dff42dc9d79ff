"""What models say about a test sentence: which one, how it is asked and shown."""

import pytest
import sentences

from fairseq_mlkd.prepare.labelled.rows import SentencePair, WordRow

WORDS = ["Tom", "est", "à", "Oslo"]
TAGS = ["B-PER", "O", "O", "B-LOC"]
PARSE = ["[IN:VISIT", "[SL:CITY", "@ptr_3", "]", "]"]


@pytest.mark.parametrize(
    "row, request_, answer",
    [
        (
            SentencePair("A.", "B.", "neutral", 1),
            {"text": "A.", "text_pair": "B."},
            "neutral",
        ),
        (WordRow(WORDS, 1, TAGS), {"words": WORDS}, "Tom/B-PER Oslo/B-LOC"),
        (
            WordRow(WORDS, 1, TAGS, intent="visit"),
            {"words": WORDS},
            "[visit] Tom/B-PER Oslo/B-LOC",
        ),
        (
            WordRow(WORDS, 1, parse=PARSE),
            {"words": WORDS},
            "[IN:VISIT [SL:CITY Oslo ] ]",
        ),
    ],
)
def test_a_row_is_asked_and_its_answer_shown(row, request_, answer):
    assert sentences.request_of(row) == request_
    assert sentences.describe(sentences.true_answer(row)) == answer


def test_the_first_test_row_of_a_language_is_asked(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "pawsx" / "x-final" / "es"
    folder.mkdir(parents=True)
    rows = "id\tsentence1\tsentence2\tlabel\n1\tNS\tA.\t0\n2\tB.\tC.\t1\n"
    (folder / "test_2k.tsv").write_text(rows)
    asked = []
    monkeypatch.setattr(
        sentences, "ask", lambda *args: asked.append(args) or {"label": "0"}
    )
    sentences.main([str(tmp_path), "tiny=runs/{benchmark}/best.pt"])
    ((path, request, lang),) = asked
    assert path.as_posix() == "runs/pawsx/best.pt" and lang == "es"
    assert request == {"text": "B.", "text_pair": "C."}
    assert capsys.readouterr().out == (
        "\npawsx, es: B. / C.\n  right answer  1\n  tiny          0\n"
    )
