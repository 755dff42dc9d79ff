"""Teachers that split words into other subwords than their students."""

import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from fairseq.data import Dictionary
from laws import HEAD_MAPS, INNER, LAYER_MAPS, PARSING, World, all_weights
from laws import term_weight as weight_of
from other_subwords import PairedCase, write_resplit
from slow_losses import assert_same_gradients
from tiny import STUDENT, Distillation, load, shape_flags, train, weigh, write_sentences

from fairseq_mlkd.data.binary import load_binary
from fairseq_mlkd.errors import UserError

PAIRS, TAGS, INTENTS = (
    "zero_shot_classification",
    "zero_shot_tagging",
    "zero_shot_intent_slot",
)
LABELLED = (PAIRS, TAGS, INTENTS, PARSING)
OUTPUTS_ALONE = {f"{kind}_weight": 0.0 for kind in INNER}


@pytest.fixture(scope="module")
def worlds(tmp_path_factory) -> dict[str, Any]:
    """Task -> its world, and the same in other subwords."""
    found = {}
    for name in LABELLED:
        folder = tmp_path_factory.mktemp(name)
        world, other = World(name, folder), World(name, folder / "other")
        shutil.rmtree(other.data)
        write_resplit(world.data, other.data)
        found[name] = (world, other)
    return found


def make_case(worlds: dict[str, Any], name: str, head_map: str = "auto") -> PairedCase:
    return PairedCase(*worlds[name], head_map, LAYER_MAPS["uniform"])


def weights_for(name: str) -> dict[str, float]:
    return {**all_weights(), **(OUTPUTS_ALONE if name == PAIRS else {})}


@pytest.mark.parametrize("name", LABELLED)
@pytest.mark.parametrize("head_map", HEAD_MAPS)
def test_it_is_the_sum_of_the_formulas_at_common_words(worlds, name, head_map):
    case, weights = make_case(worlds, name, head_map), weights_for(name)
    criterion = case.criterion(temperature=2.0, **weights)
    loss, _, log = criterion(case.student, case.sample)
    terms = case.slow_terms(criterion)
    terms = {k: x for k, x in terms.items() if weight_of(k, weights)}
    assert set(terms) == {k for k in log if k.endswith("_loss")}
    for term, value in terms.items():
        slow = float(value.detach())
        # the hard loss of labels that the teacher lacks is fairseq's, in float32
        assert float(log[term]) == pytest.approx(slow, rel=1e-6), term
    expected = sum(weight_of(k, weights) * value for k, value in terms.items())
    params = [*case.student.parameters(), *criterion.parameters()]
    assert_same_gradients(loss, expected, params, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", LABELLED)
@pytest.mark.parametrize("head_map", ["auto", "relation"])
def test_a_batch_may_be_cut_anywhere(worlds, name, head_map):
    case = make_case(worlds, name, head_map)
    criterion = case.criterion(**weights_for(name))
    whole = case.learn(criterion, [3])
    for sizes in ((1, 2), (1, 1, 1)):
        for a, b in zip(whole, case.learn(criterion, sizes)):
            # the hard loss of labels that the teacher lacks is fairseq's, in float32
            assert torch.allclose(a.double(), b.double(), rtol=1e-5, atol=1e-6)


def test_the_data_have_what_can_go_wrong(worlds):
    """Words without subwords on either side, labels that the teacher cannot read."""
    for name in (TAGS, INTENTS, PARSING):
        case = make_case(worlds, name)
        own = case.task.word_starts(case.sample)
        theirs = case.reader.word_starts(case.sample["teacher"])
        assert own.shape == theirs.shape and not torch.equal(own, theirs)
        assert (own.ge(0) & theirs.lt(0)).any() and (own.lt(0) & theirs.ge(0)).any()
        runs = [case.run_alone(case.dataset.collater([item])) for item in case.items]
        lists = [x for _, taught in runs for x in taught["logits"].values()]
        assert any(x is None for rows in lists for x in rows), name


@pytest.mark.parametrize(
    "name, inter_loss",
    [*((name, "mse") for name in LABELLED), (PARSING, "cka"), (PARSING, "gram")],
)
def test_padding_of_either_side_keeps_the_loss(worlds, name, inter_loss):
    case = make_case(worlds, name)
    criterion = case.criterion(inter_loss=inter_loss, **weights_for(name))
    longer, sample = case.pad(), case.sample
    for batch in (sample, longer):
        assert batch["teacher"]["net_input"]["src_tokens"].size(0) == len(case.items)
    sides = [(s["net_input"], s["teacher"]["net_input"]) for s in (sample, longer)]
    lengths = [[x["src_tokens"].size(1) for x in side] for side in sides]
    assert lengths[0] < lengths[1]
    before, after = (criterion(case.student, s)[0] for s in (sample, longer))
    assert after.item() == pytest.approx(before.item(), rel=1e-6)


@pytest.mark.parametrize("name", [TAGS, PARSING])
def test_with_the_same_subwords_the_outputs_lose_nothing(worlds, name, tmp_path):
    world, _ = worlds[name]
    shutil.copytree(world.data, tmp_path / "other" / "data")
    other = World.__new__(World)
    other.name, other.folder, other.teachers = name, tmp_path / "other", {}
    other.data = tmp_path / "other" / "data"
    case = PairedCase(world, other, "auto", LAYER_MAPS["uniform"])
    options = {**all_weights(), **OUTPUTS_ALONE}
    plain = case.criterion(**{**options, "teacher_data": None})
    found = [
        c(case.student, case.sample)[0] for c in (plain, case.criterion(**options))
    ]
    assert found[0].item() == pytest.approx(found[1].item(), rel=1e-12)


def test_a_word_that_the_student_lacks_is_no_target(worlds):
    """The teacher may point at it, and often does; the student never can."""
    case = make_case(worlds, PARSING)
    loss, sample_size, _ = case.criterion(**weigh(logits=1.0))(
        case.student, case.sample
    )
    classes = len(case.task.parses.outputs)
    assert case.task.word_starts(case.sample).lt(0).any()
    assert 0 < loss.item() / sample_size < 4 * math.log(classes)


@pytest.mark.parametrize("flag", ["teacher_cache_top_k", "teacher_cache_sampled"])
def test_some_symbols_alone_are_refused(worlds, flag):
    message = refuse(make_case(worlds, PARSING), **{flag: 3})
    assert "neither --teacher-cache-top-k nor --teacher-cache-sampled" in message


# --- refusals


def refuse(case: Any, error: type = ValueError, **options: Any) -> str:
    with pytest.raises(error) as caught:
        criterion = case.criterion(**options)
        criterion.task.load_dataset("train")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_sentences_without_words_are_compared_by_their_labels_alone(worlds):
    message = refuse(make_case(worlds, PAIRS))
    assert "--hidden-weight 0" in message and "--teacher-data" in message


def test_windows_are_refused(worlds):
    case = make_case(worlds, TAGS)
    case.task.cfg.long_inputs = "window"
    assert "--long-inputs" in refuse(case)


def test_unlabelled_sentences_are_refused(worlds):
    case = make_case(worlds, TAGS)
    case.task.unlabelled_data = "some/folder"
    assert "--unlabelled-weight 0" in refuse(case)


def test_masked_lm_has_no_such_data(tmp_path):
    setting = Distillation(tmp_path)
    with pytest.raises(ValueError, match="--teacher-data is for fine-tuning"):
        setting.criterion(teacher_data="data")


def test_a_teacher_of_another_dictionary_is_refused(worlds):
    case = make_case(worlds, PARSING)
    message = refuse(case, teacher_data=case.task.cfg.data)
    assert "another dictionary" in message and case.path in message


@pytest.mark.parametrize(
    "lines, found",
    [
        (lambda rows: rows[:-1], "{part}/train.en has 11 rows where"),
        (
            lambda rows: [*rows[:4], rows[5], rows[4], *rows[6:]],
            "row 5 of {part}/train.en is not",
        ),
    ],
)
@pytest.mark.parametrize("name, part", [(TAGS, "label"), (PARSING, "target")])
def test_other_rows_are_refused(worlds, tmp_path, name, part, lines, found):
    case = make_case(worlds, name)
    other = Path(shutil.copytree(case.reader.cfg.data, tmp_path / "data"))
    rows = [row.tolist() for row in load_binary(str(other / part / "train.en"))]
    write_sentences(other / part / "train.en", lines(rows), 65000)
    message = refuse(case, UserError, teacher_data=str(other))
    assert found.format(part=part) in message and str(other) in message


def test_other_labels_are_refused(worlds, tmp_path):
    case = make_case(worlds, TAGS)
    other = Path(shutil.copytree(case.reader.cfg.data, tmp_path / "data"))
    labels = Dictionary.load(str(other / "label" / "dict.txt"))
    labels.symbols[5] = "B-OTHER"
    labels.save(str(other / "label" / "dict.txt"))
    assert "its labels are not those of" in refuse(case, teacher_data=str(other))


# --- the command


@pytest.mark.parametrize("name", [PAIRS, PARSING])
def test_on_the_command_line(worlds, name, tmp_path):
    world, other = worlds[name]
    _, teacher = other.teacher(4, 2, 2)
    arch = "pointer_generator_lean_bert_tiny" if name == PARSING else "lean_bert_tiny"
    flags = ["--task", name, "--criterion", "tinybert", "--teacher-path", teacher]
    flags += ["--teacher-data", other.data, "--arch", arch, *shape_flags(STUDENT)[2:]]
    flags += ["--max-update", 2, "--train-embeddings", "--valid-distillation"]
    if name == PARSING:
        flags += ["--decoder-layers", 2, "--max-target-positions", 64]
    else:
        for kind in INNER:
            flags += [f"--{kind}-weight", 0]
    cache = ["--teacher-cache", tmp_path / "cache", "--teacher-cache-dtype", "float32"]
    live, filled, read = (
        load(train(world.data, tmp_path / run, *flags, *more))
        for run, more in (("live", []), ("filled", cache), ("read", cache))
    )
    for state in (filled, read):
        for key, value in live["model"].items():
            assert torch.equal(state["model"][key], value), key
    assert live["optimizer_history"][-1]["num_updates"] == 2
    size = live["model"]["encoder.embeddings.tokens.weight"].size(0)
    assert size == len(world.task().dictionary)
