"""Pairs that are longer than the model takes."""

import pytest
from fairseq.data import Dictionary
from tiny import make_dictionary, write_pairs

from fairseq_mlkd.data.sentence_dataset import SentencePairDataset

ROWS = 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_pairs(tmp_path_factory.mktemp("world") / "pairs", {"test.en": ROWS})


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    return make_dictionary()


def load(folder, dictionary, longest, **options):
    return SentencePairDataset(
        str(folder), "test.en", dictionary, max_positions=longest, **options
    )


@pytest.mark.parametrize("choice", ["refuse", "window"])
def test_too_long_is_refused_with_the_remedy(folder, dictionary, choice):
    whole = load(folder, dictionary, 512)
    longest = int(whole.sizes.max())
    load(folder, dictionary, longest, long_inputs=choice)
    with pytest.raises(ValueError) as error:
        load(folder, dictionary, longest - 1, long_inputs=choice)
    row = int(whole.sizes.argmax()) + 1
    assert f"(row {row} has {longest})" in str(error.value)
    assert f"of {ROWS} inputs" in str(error.value)
    assert str(error.value).endswith("choose --long-inputs truncate")


@pytest.mark.parametrize("longest", [8, 11, 14, 23, 512])
def test_truncation_takes_from_the_longer_one(folder, dictionary, longest):
    whole = load(folder, dictionary, 512)
    cut = load(folder, dictionary, longest, long_inputs="truncate")
    shortened = 0
    for i in range(ROWS):
        tokens, before = cut[i]["tokens"].tolist(), whole[i]["tokens"].tolist()
        assert len(tokens) == min(len(before), longest) == cut.sizes[i]
        assert len(tokens) == len(cut[i]["segments"])
        eos = dictionary.eos()
        ends = [j for j, token in enumerate(tokens) if token == eos]
        assert len(ends) == 2 and ends[1] == len(tokens) - 1
        first, second = ends[0], ends[1] - ends[0]
        was_first = before.index(eos)
        was_second = len(before) - 1 - was_first
        assert tokens[:first] == before[:first]
        assert tokens[first + 1 : -1] == before[was_first + 1 :][: second - 1]
        if first < was_first and second < was_second:
            assert abs(first - second) <= 1
        elif first < was_first:
            assert first >= second - 1
        elif second < was_second:
            assert second >= first - 1
        shortened += len(tokens) < len(before)
    assert (shortened > 0) == (longest < whole.sizes.max())
