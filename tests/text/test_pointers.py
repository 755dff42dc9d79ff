"""Words of parses as pointers: the right one of several, and back again."""

import random

import pytest

from fairseq_mlkd.text.parse_tree import split_symbols
from fairseq_mlkd.text.pointers import (
    Span,
    from_pointers,
    pointer,
    pointer_position,
    to_pointers,
)


def point(parse: str, sentence: str, *spans: Span) -> list[int]:
    """Return the positions that the parse's words get; checks the way back."""
    symbols, words = split_symbols(parse), sentence.split()
    pointed = to_pointers(symbols, words, spans)
    assert from_pointers(pointed, words) == symbols
    found = map(pointer_position, pointed)
    return [position for position in found if position is not None]


def test_symbols():
    assert pointer(12) == "@ptr_12" and pointer_position("@ptr_12") == 12
    for other in ("@ptr_", "@ptr_1x", "ptr_1", "@ptr_٣", "[IN:A", "]"):
        assert pointer_position(other) is None


def test_structure_stays():
    parse = split_symbols("[IN:A [SL:B x ] [SL:C [IN:D [SL:E y ] ] ] ]")
    expected = split_symbols("[IN:A [SL:B @ptr_1 ] [SL:C [IN:D [SL:E @ptr_0 ] ] ] ]")
    assert to_pointers(parse, ["y", "x"]) == expected


@pytest.mark.parametrize(
    "parse, sentence, expected",
    [
        # the leftmost, then the next one
        ("[IN:A [SL:B x ] [SL:B x ] ]", "x y x", [0, 2]),
        # together rather than leftmost
        ("[IN:A [SL:B the day ] ]", "the man of the day", [3, 4]),
        # what another slot took is passed over
        ("[IN:A [SL:B at six ] [SL:C six ] ]", "six is at six", [2, 3, 0]),
        # a discontinuous slot, in the order of its words
        ("[IN:A [SL:B pay the bill ] ]", "pay now the big bill the bill", [0, 2, 4]),
        # words out of order
        ("[IN:A [SL:B x y ] ]", "y z x", [2, 0]),
        # two slots share a word
        ("[IN:A [SL:B x y ] [SL:C y z ] ]", "x y z", [0, 1, 1, 2]),
        # deeper slots
        ("[IN:A [SL:B [IN:C [SL:D x ] ] ] [SL:B x ] ]", "x x", [0, 1]),
    ],
)
def test_repeated_words_without_spans(parse, sentence, expected):
    assert point(parse, sentence) == expected


@pytest.mark.parametrize(
    "parse, spans, expected",
    [
        ("[IN:A [SL:B x ] ]", [Span("[SL:B", 3, 4)], [3]),
        # spans in another order than the slots
        (
            "[IN:A [SL:B x ] [SL:C x ] ]",
            [Span("[SL:C", 0, 1), Span("[SL:B", 3, 4)],
            [3, 0],
        ),
        # one after the other, each once
        (
            "[IN:A [SL:B x ] [SL:B x ] ]",
            [Span("[SL:B", 3, 4), Span("[SL:B", 0, 1)],
            [3, 0],
        ),
        # a span of other words is of another slot
        (
            "[IN:A [SL:B y ] [SL:B x ] ]",
            [Span("[SL:B", 3, 4), Span("[SL:B", 1, 2)],
            [1, 3],
        ),
        # an outer slot's span holds for the inner ones
        ("[IN:A [SL:B [IN:C [SL:D x ] ] ] ]", [Span("[SL:B", 2, 5)], [3]),
        # discontinuous inside its span
        ("[IN:A [SL:B x z ] ]", [Span("[SL:B", 3, 6)], [3, 5]),
        # a span that does not fit is not used
        ("[IN:A [SL:B x z ] ]", [Span("[SL:B", 0, 2)], [0, 2]),
    ],
)
def test_spans_tell_repeated_words_apart(parse, spans, expected):
    assert point(parse, "x y z x y z", *spans) == expected


def test_a_word_that_the_sentence_lacks_is_named():
    with pytest.raises(ValueError, match="'x' stands in the parse, not in the sent"):
        to_pointers(split_symbols("[IN:A [SL:B x ] ]"), ["y"])


def test_a_pointer_past_the_sentence_stays():
    assert from_pointers(["[IN:A", "@ptr_1", "@ptr_2"], ["a", "b"]) == [
        *("[IN:A", "b", "@ptr_2")
    ]


def test_any_words_of_a_sentence_go_there_and_back():
    for seed in range(200):
        rng = random.Random(seed)
        words = rng.choices("abcde", k=rng.randint(1, 8))
        slots = [rng.choices(words, k=rng.randint(1, 4)) for _ in range(3)]
        inner = " ".join(f"[SL:{rng.choice('XY')} {' '.join(s)} ]" for s in slots)
        starts = sorted(rng.choices(range(len(words)), k=3))
        spans = [Span(f"[SL:{rng.choice('XY')}", i, len(words)) for i in starts]
        assert len(point(f"[IN:A {inner} ]", " ".join(words), *spans)) == sum(
            map(len, slots)
        )
