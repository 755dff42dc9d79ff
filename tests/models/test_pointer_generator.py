"""The pointer generator: one softmax, cached states, padding, and its encoder."""

from typing import Any

import pytest
import torch
from fairseq.data import Dictionary
from fairseq.models import ARCH_CONFIG_REGISTRY
from fairseq.sequence_generator import SequenceGenerator
from tiny import make_dictionary
from tiny_parses import POINTERS, SYMBOLS, make_symbols, random_rows, write_rows
from torch import Tensor

from fairseq_mlkd.data.multilingual_dataset import MultilingualDataset
from fairseq_mlkd.data.parse_dataset import ParseDataset, ParseDictionary
from fairseq_mlkd.models.multilingual_encoder import MultilingualEncoderModel
from fairseq_mlkd.models.pointer_generator import (
    PointerGeneratorConfig,
    PointerGeneratorModel,
)
from fairseq_mlkd.modules.pointer import IMPOSSIBLE
from fairseq_mlkd.modules.states import Request

LAYERS, DIM, HEADS = 2, 16, 2
FIRST_POINTER = 4 + len(SYMBOLS)
OUTPUTS = FIRST_POINTER + POINTERS
EXTRAS: dict[str, Any] = {
    "hidden_states": [0, LAYERS],
    "attention_scores": [1],
    "decoder_hidden_states": [0, 3],
    "decoder_attention_scores": [2],
    "cross_attention_scores": [0],
}


@pytest.fixture
def cfg() -> PointerGeneratorConfig:
    return PointerGeneratorConfig(
        encoder_layers=LAYERS,
        encoder_embed_dim=DIM,
        encoder_ffn_embed_dim=32,
        encoder_attention_heads=HEADS,
        decoder_ffn_embed_dim=32,
        max_positions=64,
        max_target_positions=48,
        init_std=0.3,  # far from uniform
    )


@pytest.fixture
def model(cfg) -> PointerGeneratorModel:
    parses = ParseDictionary(make_symbols(), make_dictionary())
    dictionary = make_dictionary()
    return PointerGeneratorModel(cfg, dictionary, parses.outputs, POINTERS).eval()


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> MultilingualDataset:
    folder = tmp_path_factory.mktemp("parses")
    write_rows(folder, {"test.en": random_rows(12, 7)})
    words = Dictionary.load(str(folder / "words" / "dict.txt"))
    parses = ParseDictionary(make_symbols(), words)
    limits = {"max_positions": 64, "max_target_positions": 48}
    data = ParseDataset(str(folder), "test.en", make_dictionary(), parses, **limits)
    return MultilingualDataset({"en": data})


def batch(dataset: MultilingualDataset, *rows: int) -> dict[str, Any]:
    return dataset.collater([dataset[i] for i in rows])


@pytest.fixture
def sample(dataset) -> dict[str, Any]:
    return batch(dataset, *range(len(dataset)))


def test_one_softmax_over_symbols_and_words_that_are_there(model, sample):
    logits, _ = model(**sample["net_input"])
    assert logits.shape == (*sample["pointer_target"].shape, OUTPUTS)
    probs = model.get_normalized_probs((logits, None), log_probs=False)
    assert torch.allclose(probs.sum(dim=-1), torch.ones(()))
    starts = sample["net_input"]["word_starts"]
    there = torch.zeros(len(starts), OUTPUTS, dtype=torch.bool)
    there[:, FIRST_POINTER : FIRST_POINTER + starts.size(1)] = starts >= 0
    there[:, 2] = True  # </s>
    there[:, 4:FIRST_POINTER] = True
    assert (~there).any(dim=1).all()
    mask = there[:, None].expand_as(probs)
    assert (probs[mask] > 0).all() and (probs[~mask] == 0).all()
    lprobs = model.get_normalized_probs((logits.half(), None), log_probs=True)
    assert lprobs.isfinite().all() and (logits[~mask] == IMPOSSIBLE).all()


def test_logits_where_they_are_asked_for(model, sample):
    logits, _ = model(**sample["net_input"])
    scored = sample["pointer_target"].ne(1)
    places = {"decoder": scored.flatten().nonzero().flatten()}
    some, extra = model(**sample["net_input"], heads=places)
    assert torch.equal(some["decoder"], logits[scored])
    features, _ = model(**sample["net_input"], features_only=True)
    assert features.shape == (*scored.shape, DIM)
    assert not extra["hidden_states"] and not extra["decoder_hidden_states"]


def test_states_and_scores_are_handed_out(model, sample):
    net_input = sample["net_input"]
    bsz, src_len = net_input["src_tokens"].shape
    tgt_len = net_input["prev_output_tokens"].size(1)
    _, extra = model(**net_input, request=Request(**EXTRAS))
    assert {name: list(extra[name]) for name in EXTRAS} == EXTRAS
    assert extra["attention_scores"][1].shape == (bsz, HEADS, src_len, src_len)
    assert extra["decoder_attention_scores"][2].shape == (bsz, HEADS, tgt_len, tgt_len)
    assert extra["cross_attention_scores"][0].shape == (bsz, HEADS, tgt_len, src_len)
    features, _ = model(**net_input, features_only=True)
    assert torch.allclose(extra["decoder_hidden_states"][3], features, atol=1e-5)
    assert torch.equal(extra["padding_mask"], net_input["src_tokens"].eq(1))


def test_gradient_reaches_both_ends_of_the_pointers(model, dataset):
    sample = batch(dataset, 0, 1, 2)
    logits, _ = model(**sample["net_input"])
    target = sample["pointer_target"]
    points = target.ge(FIRST_POINTER)
    lprobs = torch.log_softmax(logits, dim=-1)
    picked = lprobs.gather(-1, target.unsqueeze(-1)).squeeze(-1)
    picked[points].sum().backward()
    pointers = model.decoder.pointers
    layers = model.encoder.layers
    for weight in (pointers.q_proj, pointers.k_proj, layers[0].fc1):
        assert weight.weight.grad.abs().sum() > 0


# --- step by step


@pytest.mark.parametrize("reorder", [False, True])
def test_incremental_equals_full_decoding(model, sample, reorder):
    net_input = sample["net_input"]
    expected, _ = model(**net_input)
    tokens = net_input["prev_output_tokens"]
    source = model.encoder.forward_torchscript(net_input)
    state: dict[str, Any] = {}
    order = torch.randperm(len(tokens)) if reorder else torch.arange(len(tokens))
    for i in range(tokens.size(1)):
        if i == 3:  # as beam search does
            tokens, expected = tokens[order], expected[order]
            source = model.encoder.reorder_encoder_out(source, order)
            model.decoder.reorder_incremental_state_scripting(state, order)
        found, _ = model.decoder(tokens[:, : i + 1], source, state)
        assert found.shape[1] == 1
        assert torch.allclose(found[:, 0], expected[:, i], atol=1e-5)


def generate(
    model: PointerGeneratorModel, sample: dict[str, Any], beam: int
) -> list[list[dict[str, Tensor]]]:
    generator = SequenceGenerator(
        [model], model.decoder.dictionary, beam_size=beam, max_len_b=12
    )
    return generator.generate([model], sample)


def test_a_beam_of_one_is_greedy(model, sample):
    hypotheses = generate(model, sample, 1)
    net_input = dict(sample["net_input"])
    for i, (best,) in enumerate(hypotheses):
        tokens = best["tokens"][:-1]
        row = {k: v[i : i + 1] for k, v in net_input.items()}
        row["prev_output_tokens"] = torch.cat([tokens.new_tensor([2]), tokens])[None]
        logits, _ = model(**row)
        greedy = logits[0].argmax(dim=-1)
        assert torch.equal(greedy[: len(tokens)], tokens)
        lprobs = torch.log_softmax(logits[0], dim=-1)
        expected = lprobs.gather(-1, best["tokens"][:, None])[:, 0]
        assert torch.allclose(best["positional_scores"], expected, atol=1e-5)


@pytest.mark.parametrize("beam", [1, 3])
def test_a_batch_of_mixed_lengths_equals_one_by_one(model, dataset, beam):
    together = generate(model, batch(dataset, *range(len(dataset))), beam)
    lengths = set()
    for i, row in enumerate(together):
        (alone,) = generate(model, batch(dataset, i), beam)
        for a, b in zip(row, alone):
            assert torch.equal(a["tokens"], b["tokens"])
            assert a["score"].item() == pytest.approx(b["score"].item(), abs=1e-5)
        lengths.add(int(dataset.sizes[i]))
    assert len(lengths) > 2


def test_only_words_of_the_sentence_are_pointed_at(model, sample):
    for i, row in enumerate(generate(model, sample, 4)):
        tokens = torch.cat([found["tokens"] for found in row])
        words = tokens[tokens >= FIRST_POINTER] - FIRST_POINTER
        assert (sample["net_input"]["word_starts"][i][words] >= 0).all()
        assert not {0, 1, 3} & set(tokens.tolist())


# --- padding, lengths


def test_more_padding_changes_nothing(model, dataset):
    sample = batch(dataset, 0, 3)
    logits, _ = model(**sample["net_input"])
    pad = {"src_tokens": 1, "word_starts": -1, "prev_output_tokens": 1}
    padded = {
        name: torch.nn.functional.pad(sample["net_input"][name], (0, 3), value=value)
        for name, value in pad.items()
    }
    more, _ = model(**padded)
    assert torch.allclose(more[:, : logits.size(1)], logits, atol=1e-5)


def test_repeated_words_are_told_apart_by_position(model):
    src_tokens = torch.tensor([[0, 4, 7, 7, 2]])
    starts = torch.tensor([[1, 2, 3]])
    logits, _ = model(
        src_tokens, word_starts=starts, prev_output_tokens=torch.tensor([[2]])
    )
    scores = logits[0, 0, FIRST_POINTER : FIRST_POINTER + 3]
    assert (scores[1] - scores[2]).abs() > 1e-3


def test_more_words_than_pointers(cfg):
    parses = ParseDictionary(make_symbols(), make_dictionary())
    cfg.max_positions = 300
    model = PointerGeneratorModel(cfg, make_dictionary(), parses.outputs, POINTERS)
    src_tokens = torch.full((1, 300), 5)
    starts = torch.arange(1, 299)[None]
    logits, _ = model.eval()(
        src_tokens, word_starts=starts, prev_output_tokens=torch.tensor([[2, 4]])
    )
    assert logits.shape == (1, 2, OUTPUTS) and logits.isfinite().all()


# --- names


def test_the_encoder_has_the_names_of_multilingual_encoder(model, cfg):
    encoder = MultilingualEncoderModel(cfg, make_dictionary())
    names = {n for n in encoder.state_dict() if n.startswith("encoder.")}
    assert names == {n for n in model.state_dict() if n.startswith("encoder.")}


def test_architectures():
    for encoder in ("mbert8_large", "lean_bert", "pretrained", "lean_bert_tiny"):
        shapes = []
        for prefix in ("", "pointer_generator_"):
            args = type("Args", (), {})()
            ARCH_CONFIG_REGISTRY[prefix + encoder](args)
            shapes.append(vars(args))
        assert shapes[0] == shapes[1] and shapes[0]
