"""What is kept of two models' outputs where they split words in different ways."""

import torch

from fairseq_mlkd.distillation.other_subwords import at_words

BSZ, HEADS, TGT, DIM = 2, 3, 4, 5
# the second sentence has two words; each side has one without subwords
STARTS = torch.tensor([[1, 2, -1, 5], [1, 3, -1, -1]])
THEIRS = torch.tensor([[1, -1, 2, 3], [2, 1, -1, -1]])
COMMON = [[(1, 1), (5, 3)], [(1, 2), (3, 1)]]  # (student, teacher)
PLACES = [[0, 3], [0, 1]]  # of these words among all


def outputs(src_len):
    source = (BSZ, HEADS, src_len, DIM)
    return {
        "padding_mask": None,
        "hidden_states": {2: torch.randn(BSZ, src_len, DIM)},
        "attention_scores": {1: torch.randn(BSZ, HEADS, src_len, src_len)},
        "attention_vectors": {1: tuple(torch.randn(3, *source))},
        "decoder_hidden_states": {0: torch.randn(BSZ, TGT, DIM)},
        "cross_attention_scores": {0: torch.randn(BSZ, HEADS, TGT, src_len)},
        "cross_attention_vectors": {
            0: (torch.randn(BSZ, HEADS, TGT, DIM), *torch.randn(2, *source))
        },
    }


def test_the_source_is_cut_to_common_words_and_the_target_is_not():
    before = (outputs(7), outputs(4))
    after = at_words(*before, STARTS, THEIRS)
    mask = after[0]["padding_mask"]
    assert mask.tolist() == [[False, True, True, False], [False, False, True, True]]
    for side, (old, new) in enumerate(zip(before, after)):
        assert torch.equal(new["padding_mask"], mask)
        assert new["decoder_hidden_states"] is old["decoder_hidden_states"]
        cross, new_cross = (x["cross_attention_vectors"][0] for x in (old, new))
        assert new_cross[0] is cross[0]
        for b, words in enumerate(COMMON):
            for pair, place in zip(words, PLACES[b]):
                start = pair[side]
                for name, index in (("attention_vectors", 1), ("hidden_states", 2)):
                    theirs, ours = old[name][index], new[name][index]
                    if name == "hidden_states":
                        theirs, ours = [theirs[:, None]], [ours[:, None]]
                    for x, y in zip(theirs, ours):
                        assert torch.equal(x[b, :, start], y[b, :, place])
                for x, y in zip(cross[1:], new_cross[1:]):
                    assert torch.equal(x[b, :, start], y[b, :, place])
                x, y = (z["cross_attention_scores"][0] for z in (old, new))
                assert torch.equal(x[b, :, :, start], y[b, :, :, place])
                x, y = (z["attention_scores"][1] for z in (old, new))
                for other, column in zip(words, PLACES[b]):
                    key = other[side]
                    assert torch.equal(x[b, :, start, key], y[b, :, place, column])


def test_what_was_not_handed_out_is_not_made_up():
    plain = {"padding_mask": None, "hidden_states": {}}
    own, taught = at_words(plain, plain, STARTS, THEIRS)
    assert own.keys() == taught.keys() == plain.keys()
    assert own["hidden_states"] == {}
