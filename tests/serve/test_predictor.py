"""The Predictor gives what fairseq-generate gives, on raw text and without fairseq."""

import json
import math
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from exported import (
    CLASSIFICATION,
    INTENT_SLOT,
    MLM,
    PARSING,
    SENTENCES,
    TAGGING,
    export,
    make,
)
from fairseq.dataclass.configs import GenerationConfig

from fairseq_mlkd import Predictor
from fairseq_mlkd.text.dictionary import UNK

ENGINES = ["onnx", "torch"]


def generate(made, lang, **options):
    """Return the words and scores that fairseq-generate writes of `test.LANG`."""
    task = made.task
    subset = f"test.{lang}"
    task.load_dataset(subset)
    dataset = task.datasets[subset]
    generator = task.build_generator([made.model], GenerationConfig(**options))
    batch = dataset.collater([dataset[i] for i in range(len(dataset))])
    with torch.no_grad():
        found = generator.generate([made.model], batch)
    symbols = task.target_dictionary
    return [
        (
            [symbols[i] for i in row[0]["tokens"] if i != symbols.eos()],
            float(row[0]["score"]),
            row[0]["positional_scores"].tolist(),
        )
        for row in found
    ]


def requests(task, lang):
    texts = SENTENCES[lang]
    if task == CLASSIFICATION:
        return list(zip(texts, reversed(texts)))
    return [{"words": text.split()} for text in texts]


@pytest.mark.parametrize(
    "kind, segments, engine",
    [
        ("codes", 0, "onnx"),
        ("wordpiece", 2, "onnx"),
        ("sentencepiece", 0, "torch"),
        ("codes", 2, "torch"),
    ],
)
def test_classes_are_those_of_fairseq_generate(tmp_path, kind, segments, engine):
    made = make(tmp_path, CLASSIFICATION, kind, model_num_segments=segments)
    made.task.cfg.long_inputs = "truncate"
    predictor = Predictor(export(made, tmp_path / "out", "--onnx"), engine=engine,
                          long_inputs="truncate", batch_size=2)  # fmt: skip
    for lang in SENTENCES:
        answers = predictor(requests(CLASSIFICATION, lang), lang)
        for answer, (label, score, _) in zip(answers, generate(made, lang)):
            assert [answer["label"]] == label
            assert math.log(answer["score"]) == pytest.approx(score, abs=1e-4)
            assert sum(answer["scores"].values()) == pytest.approx(1)


@pytest.mark.parametrize(
    "task, rule, engine",
    [
        (TAGGING, "refuse", "onnx"),
        (TAGGING, "truncate", "torch"),
        (TAGGING, "window", "onnx"),
        (INTENT_SLOT, "refuse", "torch"),
        (INTENT_SLOT, "truncate", "onnx"),
        (INTENT_SLOT, "window", "torch"),
    ],
)
def test_tags_and_intents_are_those_of_fairseq_generate(tmp_path, task, rule, engine):
    longest = 90 if rule == "refuse" else 11
    made = make(tmp_path, task, long_inputs=rule, model_max_positions=longest)
    predictor = Predictor(export(made, tmp_path / "out", "--onnx"), engine=engine)
    cut = 0
    for lang in SENTENCES:
        answers = predictor(requests(task, lang), lang)
        for answer, (labels, _, lprobs) in zip(answers, generate(made, lang)):
            found, scores = answer["tags"], answer["scores"]
            if task == INTENT_SLOT:
                found = [answer["intent"], *found]
                scores = [answer["intent_score"], *scores]
            assert found == labels
            np.testing.assert_allclose(np.log(scores), lprobs, atol=1e-4)
            cut += labels.count("<unk>")
    assert (cut > 0) == (rule == "truncate")


@pytest.mark.parametrize(
    "grammar, engine",
    [("none", "onnx"), ("none", "torch"), ("tree", "torch"), ("ontology", "onnx")],
)
def test_parses_are_those_of_fairseq_generate(tmp_path, grammar, engine):
    made = make(tmp_path, PARSING, grammar=grammar, model_max_target_positions=30,
                model_max_positions=90)  # fmt: skip
    folder = export(made, tmp_path / "out", "--onnx")
    for beam in (1, 3):
        predictor = Predictor(folder, engine=engine, beam=beam)
        for lang in SENTENCES:
            answers = predictor(requests(PARSING, lang), lang)
            for answer, (parse, score, _) in zip(
                answers, generate(made, lang, beam=beam)
            ):
                found = answer["parse"].split()
                # a pointer at no word is printed as <unk> there
                assert [w if w[:5] != "@ptr_" else "<unk>" for w in found] == parse
                assert answer["score"] == pytest.approx(score, abs=1e-4)


@pytest.mark.parametrize("engine", ENGINES)
def test_masks_are_filled_as_the_model_does(tmp_path, engine):
    made = make(tmp_path, MLM, model_max_positions=90)
    predictor = Predictor(export(made, tmp_path / "out", "--onnx"), engine=engine)
    answer = predictor("The king of <mask> , he <mask> it")
    dictionary = made.task.source_dictionary
    question = predictor.read("The king of <mask> , he <mask> it")
    (row,) = question.sequences.rows
    assert [i for i, x in enumerate(row) if x == dictionary.index("<mask>")] == list(
        question.masks
    )
    with torch.no_grad():
        logits = made.model(torch.tensor([row]))[0][0].softmax(-1)
    for mask, column in zip(answer["masks"], question.masks):
        values, best = logits[column].topk(5)
        assert mask["symbols"] == [dictionary[i] for i in best]
        np.testing.assert_allclose(mask["scores"], values, atol=1e-5)
    assert len(answer["masks"]) == 2


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """Export intents and slots for every engine."""
    folder = tmp_path_factory.mktemp("everything")
    made = make(folder, INTENT_SLOT, model_max_positions=90)
    return export(made, folder / "out", "--onnx", "--int8", "--force")


@pytest.mark.parametrize("engine", ["int8", "onnx", "torch"])
def test_answers_do_not_depend_on_batch_or_threads(everything, engine):
    predictor = Predictor(everything, engine=engine, batch_size=3)
    asked = [r for lang in SENTENCES for r in requests(INTENT_SLOT, lang)]
    together = predictor(asked)
    alone = [predictor(one) for one in asked]
    if engine != "torch":  # whose kernels differ with the size of the batch
        assert together == alone
    for one, other in zip(together, alone):
        assert one["tags"] == other["tags"] and one["intent"] == other["intent"]
        np.testing.assert_allclose(one["scores"], other["scores"], rtol=1e-5)
    with ThreadPoolExecutor(8) as threads:
        found = threads.map(lambda _: [predictor(one) for one in asked], range(8))
        assert all(answers == alone for answers in found)


def test_torch_computes_on_as_many_threads_as_are_asked_for(everything):
    before = torch.get_num_threads()
    try:
        Predictor(everything, engine="torch", threads=before + 1)
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)


def test_entities_are_spans_of_the_raw_text(tmp_path):
    made = make(tmp_path, TAGGING, "wordpiece", model_max_positions=90)
    predictor = Predictor(export(made, tmp_path / "out", "--onnx"))
    text = "  The king of\tParis, (he) isn't here!"
    answer = predictor(text)
    wanted = ["The", "king", "of", "Paris", ",", "(", "he", ")", "isn't", "here", "!"]
    assert answer["words"] == wanted
    assert answer["tags"] == predictor({"words": wanted})["tags"]
    assert answer["entities"], "the random model tags something"
    for entity in answer["entities"]:
        assert text[entity["start"] : entity["stop"]] == entity["text"]
        first, end = entity["words"]
        assert entity["text"].startswith(wanted[first])
        assert entity["text"].endswith(wanted[end - 1])


@pytest.fixture(scope="module")
def predictors(tmp_path_factory):
    """Predictors by task, made once."""
    found = {}
    for task in (CLASSIFICATION, TAGGING):
        folder = tmp_path_factory.mktemp(task)
        found[task] = Predictor(export(make(folder, task), folder / "out"))
    return found


@pytest.mark.parametrize(
    "task, request_",
    [
        (CLASSIFICATION, 3),
        (CLASSIFICATION, {"text": 3}),
        (CLASSIFICATION, {"text_pair": "a"}),
        (CLASSIFICATION, {"words": ["a"]}),
        (CLASSIFICATION, {"text": "a", "more": 1}),
        (CLASSIFICATION, ("word " * 99, "a")),
        (CLASSIFICATION, {"text": "a", "lang": 3}),
        (TAGGING, {"words": [1]}),
        (TAGGING, {"words": "a b"}),
        (TAGGING, {"text": "a", "words": ["a"]}),
        (TAGGING, ("a", "b")),
        (TAGGING, " "),
        (TAGGING, "word " * 99),
    ],
)
def test_bad_requests_are_refused_in_one_line(predictors, task, request_):
    with pytest.raises(ValueError) as refusal:
        predictors[task](request_)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "option, message",
    [
        ({"long_inputs": "windows"}, "long_inputs 'windows' is none of refuse, window"),
        ({"threads": 0}, "threads 0: a number from 1 is needed"),
        ({"batch_size": 0}, "batch_size 0: "),
        ({"beam": -1}, "beam -1: "),
    ],
)
def test_options_that_are_none_are_refused(tmp_path, option, message):
    with pytest.raises(ValueError, match=message):
        Predictor(tmp_path, **option)


def test_serving_imports_neither_fairseq_nor_torch(tmp_path):
    made = make(tmp_path, TAGGING, model_max_positions=90)
    folder = export(made, tmp_path / "out", "--onnx")
    code = (
        "import sys\nfrom fairseq_mlkd import Predictor\n"
        f"print(Predictor({str(folder)!r})('The king of Paris', lang='en')['tags'])\n"
        "assert not {'fairseq', 'torch', 'onnx', 'transformers'} & set(sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    name = repr(str(folder))
    code = code.replace(name, f"{name}, engine='torch'")
    code = code.replace("'torch', 'onnx'", "'onnx'")
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert other.stdout == ran.stdout, other.stderr
    assert json.loads((folder / "mlkd" / "facts.json").read_text())["task"] == TAGGING
    assert UNK == 3
