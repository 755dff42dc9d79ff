"""Beam search for parses: the grammar, and when the search ends."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from fairseq.dataclass.configs import GenerationConfig
from fairseq.sequence_generator import SequenceGenerator
from omegaconf import OmegaConf
from tiny import make_task
from tiny_parses import ONTOLOGY, SYMBOLS, write_parses

from fairseq_mlkd.errors import UserError
from fairseq_mlkd.models.pointer_generator import PointerGeneratorModel
from fairseq_mlkd.tasks.zero_shot_parsing import ZeroShotParsingTask
from fairseq_mlkd.text.grammar import Grammar

PAIRS = [tuple(line.split()) for line in ONTOLOGY]
ROWS = 24
MODEL = {
    "_name": "pointer_generator",
    "encoder_layers": 2,
    "encoder_embed_dim": 16,
    "encoder_ffn_embed_dim": 32,
    "encoder_attention_heads": 2,
    "init_std": 0.5,  # far from uniform
}


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write_parses(tmp_path_factory.mktemp("world") / "parses", {"test.en": ROWS})


def make(data: Path, **options: Any) -> tuple[ZeroShotParsingTask, Any]:
    """Return a task and a random model, always the same."""
    torch.manual_seed(1)
    task = make_task("zero_shot_parsing", data, **options)
    model = task.build_model(OmegaConf.create(MODEL)).eval()
    task.load_dataset("test")
    return task, model


def batches(task: ZeroShotParsingTask, size: int) -> list[dict[str, Any]]:
    rows = [task.datasets["test"][i] for i in range(ROWS)]
    collate = task.datasets["test"].collater
    return [collate(rows[i : i + size]) for i in range(0, ROWS, size)]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"beam": 0}, "a beam of 0: give 1 or more"),
        ({"max_len_b": 0}, "--max-len-b 0 is below --min-len 1"),
        ({"max_len_b": 4, "min_len": 9}, "--max-len-b 4 is below --min-len 9"),
    ],
)
def test_a_search_that_finds_nothing_is_refused(data, options, message):
    task, model = make(data)
    with pytest.raises(UserError, match=message):
        task.build_generator([model], GenerationConfig(**options))


def search(
    task: ZeroShotParsingTask, model: PointerGeneratorModel, **options: Any
) -> list[list[dict[str, Any]]]:
    generator = task.build_generator([model], GenerationConfig(**options))
    return [
        row for batch in batches(task, 7) for row in generator.generate([model], batch)
    ]


def count_misfits(
    task: ZeroShotParsingTask,
    found: list[list[dict[str, Any]]],
    pairs: Sequence[Any] | None,
) -> int:
    """Return how many of the best hypotheses break the grammar."""
    grammar = Grammar([*SYMBOLS, "@ptr_0"], pairs)
    index = {symbol: i for i, symbol in enumerate(SYMBOLS)}
    parses = [task.parses.spell(row[0]["tokens"]) for row in found]
    ids = [[index.get(symbol, len(SYMBOLS)) for symbol in parse] for parse in parses]
    return sum(not grammar.accepts(parse) for parse in ids)


@pytest.mark.parametrize("beam", [1, 4])
def test_grammar_admits_only_trees(data, beam):
    misfits = {}
    for grammar in ("none", "tree", "ontology"):
        task, model = make(data, grammar=grammar)
        found = search(task, model, beam=beam, max_len_b=14)
        assert len(found) == ROWS and all(found)
        misfits[grammar] = [count_misfits(task, found, p) for p in (None, PAIRS)]
    assert misfits["none"][0] > ROWS // 2
    assert misfits["tree"][0] == 0 < misfits["tree"][1]
    assert misfits["ontology"] == [0, 0]


def test_grammar_closes_in_time(data):
    task, model = make(data, grammar="tree")
    for length in range(2, 9):
        found = search(task, model, beam=2, max_len_b=length)
        assert count_misfits(task, found, None) == 0
        assert max(len(row[0]["tokens"]) for row in found) <= length + 1
    with pytest.raises(UserError, match="choose a larger --max-len-b"):
        search(task, model, beam=2, max_len_b=1)


@pytest.mark.parametrize("grammar", ["none", "ontology"])
def test_a_batch_equals_its_rows_one_by_one(data, grammar):
    task, model = make(data, grammar=grammar)
    options = GenerationConfig(beam=3, max_len_b=14)
    found = []
    for size in (1, 7):
        generator = task.build_generator([model], options)
        found.append(
            [row for b in batches(task, size) for row in generator.generate([model], b)]
        )
    for alone, together in zip(*found):
        assert [h["tokens"].tolist() for h in alone] == [
            h["tokens"].tolist() for h in together
        ]


def greedy_scores(model: PointerGeneratorModel, task: Any, generator: Any) -> Any:
    rows = [r for b in batches(task, 7) for r in generator.generate([model], b)]
    return torch.stack([row[0]["score"] for row in rows])


def test_a_wide_beam_finds_no_less_than_a_narrow_one(data):
    """Short bad parses that finish first must not end the search, as upstream's do."""
    task, model = make(data)
    outputs = task.parses.outputs
    worse = {"ours": 0, "upstream": 0}
    for beam in (2, 5):
        cfg = GenerationConfig(beam=beam, max_len_b=14)
        ours = task.build_generator([model], cfg)
        upstream = SequenceGenerator([model], outputs, beam_size=beam, max_len_b=14)
        narrow = task.build_generator([model], GenerationConfig(beam=1, max_len_b=14))
        greedy = greedy_scores(model, task, narrow)
        for name, generator in (("ours", ours), ("upstream", upstream)):
            scores = greedy_scores(model, task, generator)
            worse[name] += int((scores < greedy - 1e-5).sum())
    assert worse["ours"] == 0 < worse["upstream"]
