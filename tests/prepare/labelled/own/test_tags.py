"""Schemes of tags: the spans stay, in IOB2."""

import pytest

from fairseq_mlkd.metrics.spans import find_spans
from fairseq_mlkd.prepare.labelled.own.tags import find_bad_tag, name_scheme, to_iob2

CASES = [
    ("IOB1", "I-A I-A O I-B B-B I-B I-A", "B-A I-A O B-B B-B I-B B-A"),
    ("BIOES", "S-A B-A E-A O B-A I-A E-A S-A S-B", "B-A B-A I-A O B-A I-A I-A B-A B-B"),
    ("BILOU", "U-A B-A L-A O B-A I-A L-A U-A U-B", "B-A B-A I-A O B-A I-A I-A B-A B-B"),
    (None, "B-A I-A O B-MISC B-MISC I-MISC", "B-A I-A O B-MISC B-MISC I-MISC"),
    (None, "B-a-b I-a-b", "B-a-b I-a-b"),
    (None, "", ""),
]


@pytest.mark.parametrize("scheme, given, wanted", CASES)
def test_schemes_are_named_and_converted(scheme, given, wanted):
    tags = to_iob2(given.split())
    assert tags == wanted.split()
    assert name_scheme(given.split(), tags) == scheme
    assert to_iob2(tags) == tags


@pytest.mark.parametrize("given", [given for _, given, _ in CASES[:2]])
def test_spans_are_those_that_seqeval_sees(given):
    assert find_spans(to_iob2(given.split())) == find_spans(given.split())


@pytest.mark.parametrize("tag", ["PER", "B", "b-PER", "", "X-PER", "0"])
def test_other_tags_are_refused(tag):
    assert find_bad_tag(["O", "B-PER", tag]) == tag
