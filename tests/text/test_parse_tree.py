"""Bracketed parses: reading, writing, well-formedness, order."""

import random

import pytest

from fairseq_mlkd.text.parse_tree import (
    MAX_DEPTH,
    Tree,
    is_decoupled,
    leaf_words,
    ontology_pairs,
    parse_tree,
    sort_tree,
    split_symbols,
    tree_symbols,
)

TEXT = "[IN:SEND [SL:TO Ann Lee ] [SL:WHAT [IN:GET [SL:DAY to day ] ] ] ]"
TREE = Tree(
    "[IN:SEND",
    (
        Tree("[SL:TO", ("Ann", "Lee")),
        Tree("[SL:WHAT", (Tree("[IN:GET", (Tree("[SL:DAY", ("to", "day")),)),)),
    ),
)


def read(text: str) -> Tree:
    return parse_tree(split_symbols(text))


def test_text_becomes_the_tree_and_the_same_text_again():
    assert read(TEXT) == TREE
    assert " ".join(tree_symbols(TREE)) == TEXT


def test_only_spaces_divide_symbols():
    assert split_symbols(" [IN:A  [SL:B x\u00a0y\u3000z ] ] ") == [
        *("[IN:A", "[SL:B", "x\u00a0y\u3000z", "]", "]"),
    ]


def test_words_and_structure():
    assert leaf_words(split_symbols(TEXT)) == ["Ann", "Lee", "to", "day"]
    assert TREE.words == [] and TREE.subtrees[0].words == ["Ann", "Lee"]
    assert TREE.is_intent and not TREE.subtrees[0].is_intent


@pytest.mark.parametrize(
    "text, complaint",
    [
        ("", "the parse is empty"),
        ("hello [IN:A ]", "begins with 'hello', not with a bracket"),
        ("] [IN:A ]", "begins with ']'"),
        ("[in:A ]", r"begins with '\[in:A'"),
        ("[IN:A [SL:B x ]", r"'\[IN:A' is never closed"),
        ("[IN:A [SL:B x", r"'\[SL:B' is never closed"),
        ("[IN:A ] ]", r"goes on after its end: '\]'"),
        ("[IN:A ] [IN:B ]", r"goes on after its end: '\[IN:B'"),
    ],
)
def test_wrong_brackets_are_refused_with_a_reason(text, complaint):
    with pytest.raises(ValueError, match=complaint):
        read(text)


def test_depth_is_limited():
    def nest(depth: int) -> list[str]:
        return ["[SL:A"] * depth + ["]"] * depth

    assert tree_symbols(parse_tree(nest(MAX_DEPTH))) == nest(MAX_DEPTH)
    with pytest.raises(ValueError, match="deeper than 100 levels"):
        parse_tree(nest(10**5))


@pytest.mark.parametrize(
    "text, expected",
    [
        (TEXT, True),
        ("[IN:A ]", True),
        ("[IN:A [SL:B x [IN:C ] y ] ]", True),
        ("[SL:A x ]", False),
        ("[IN:A x ]", False),
        ("[IN:A [SL:B ] ]", False),
        ("[IN:A [IN:B ] ]", False),
        ("[IN:A [SL:B [SL:C x ] ] ]", False),
        ("[IN:A [SL:B [IN:C x ] ] ]", False),
    ],
)
def test_decoupled_form(text, expected):
    assert is_decoupled(read(text)) is expected


def test_sorting_forgets_the_order_of_subtrees_alone():
    swapped = "[IN:A [SL:C z ] [SL:B x y ] ]"
    assert sort_tree(read("[IN:A [SL:B x y ] [SL:C z ] ]")) == sort_tree(read(swapped))
    for other in (
        "[IN:A [SL:B y x ] [SL:C z ] ]",
        "[IN:A [SL:B x y ] [SL:C z ] [SL:C z ] ]",
        "[IN:A [SL:B x ] [SL:C y z ] ]",
    ):
        assert sort_tree(read(other)) != sort_tree(read(swapped))


def test_sorting_reaches_every_level():
    def draw(rng: random.Random, tree: Tree) -> Tree:
        children = [c if isinstance(c, str) else draw(rng, c) for c in tree.children]
        if tree.is_intent:
            rng.shuffle(children)
        return Tree(tree.symbol, tuple(children))

    tree = read(f"[IN:X [SL:P {TEXT} ] [SL:Q {TEXT} ] [SL:P a ] ]")
    drawn = [draw(random.Random(seed), tree) for seed in range(9)]
    assert len(set(drawn)) > 1
    assert {sort_tree(one) for one in drawn} == {sort_tree(tree)}


def test_pairs_of_intents_and_their_own_slots():
    assert ontology_pairs(TREE) == [
        ("[IN:SEND", "[SL:TO"),
        ("[IN:SEND", "[SL:WHAT"),
        ("[IN:GET", "[SL:DAY"),
    ]
