"""Does a graph of 8 bits keep what the model knew, in every language?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fairseq_mlkd.convert.trained import (
    CLASSIFICATION,
    INTENT_SLOT,
    MLM,
    PARSING,
    Trained,
)
from fairseq_mlkd.data.binary import load_part
from fairseq_mlkd.data.folders import (
    INPUT0,
    INPUT1,
    INTENT,
    LABEL,
    PIECES,
    TARGET,
    WORDS,
    has_pairs,
)
from fairseq_mlkd.files.markdown import table
from fairseq_mlkd.files.progress import show_progress
from fairseq_mlkd.metrics.choice import choose_metric
from fairseq_mlkd.serve.folder import Facts
from fairseq_mlkd.serve.inputs import Sequences, join_pair, join_words
from fairseq_mlkd.serve.predictor import Predictor, Question
from fairseq_mlkd.serve.words import Word
from fairseq_mlkd.text.dictionary import DICTIONARY_FILE, EOS, MASK, read_dictionary
from fairseq_mlkd.text.pointers import from_pointers

Labels = Mapping[str, Sequence[str]]
_MASK_EVERY = 7
_SPLITS = ("valid", "test")  # the first that a language has is used


class DevSet(NamedTuple):
    """Labelled rows of one language.

    Attributes:
        subset: such as `valid.fr`.
        questions: what the Predictor reads.
        gold: their labels by folder; empty for text without labels.
    """

    subset: str
    questions: list[Question]
    gold: Sequence[Labels]


class Verdict(NamedTuple):
    """How two engines compare on one language.

    Attributes:
        agreement: of labels that are the same, in percent; of embeddings, the mean
            cosine.
        before, after: the task's metric in float32 and in int8.
    """

    lang: str
    subset: str
    rows: int
    agreement: float
    before: float
    after: float

    @property
    def loss(self) -> float:
        """Points that are lost; without labels, what does not agree."""
        return self.before - self.after

    def describe(self) -> str:
        """Return it in a line."""
        return (
            f"{self.lang}: agreement {self.agreement:.2f}%, {self.before:.2f} -> "
            f"{self.after:.2f} on {self.rows} rows of {self.subset}"
        )


def read_dev_sets(
    trained: Trained, rows: int, splits: Sequence[str] = _SPLITS
) -> dict[str, DevSet]:
    """Read the first rows of each language's dev data, test data where there is none.

    Args:
        rows: the most that are read.
        splits: of which the first that a language has is read.
    Raises:
        ValueError: the data have neither, or no row is to be read.
    """
    if rows < 1:
        raise ValueError(f"--dev-rows {rows}: give a number from 1")
    data, task = trained.data, trained.facts.task
    found: dict[str, DevSet] = {}
    for split in splits:
        pattern = f"*/{split}.idx" if task == MLM else f"{INPUT0}/{split}.*.idx"
        for path in sorted(data.glob(pattern)):
            lang = path.parent.name if task == MLM else path.stem.partition(".")[2]
            if lang not in found:
                found[lang] = _read(trained, lang, split, rows)
    if not found:
        raise ValueError(
            f"{data}: no dev or test data to judge the smaller model on: name the "
            "folder by --data"
        )
    return found


def calibration_texts(dev_sets: Mapping[str, DevSet], rows: int) -> list[Sequences]:
    """Return some inputs of each language, the languages taking turns."""
    return [
        found.questions[i].sequences
        for i in range(rows)
        for found in dev_sets.values()
        if i < len(found.questions)
    ]


def compare(
    trusted: Predictor, judged: Predictor, dev_sets: Mapping[str, DevSet]
) -> list[Verdict]:
    """Answer the dev data with two engines of one folder."""
    verdicts = []
    judging = show_progress(
        "int8: judging", dev_sets.items(), total=len(dev_sets), unit="languages"
    )
    for lang, dev in judging:
        first, second = (x.answer(dev.questions) for x in (trusted, judged))
        agreement = agree(first, second)
        before, after = 100.0, agreement
        if dev.gold:
            before, after = (score(trusted.facts, dev.gold, x) for x in (first, second))
        verdicts.append(
            Verdict(lang, dev.subset, len(dev.questions), agreement, before, after)
        )
    return verdicts


def agree(
    first: Sequence[Mapping[str, Any]], second: Sequence[Mapping[str, Any]]
) -> float:
    """Return which share of labels is the same, in percent; of vectors the cosine."""
    same = total = 0.0
    for a, b in zip(first, second):
        if "embedding" in a:
            x, y = np.array(a["embedding"]), np.array(b["embedding"])
            same += float(x @ y / max(np.linalg.norm(x) * np.linalg.norm(y), 1e-12))
            total += 1
            continue
        for one, other in zip(_flat(a), _flat(b)):
            same += one == other
            total += 1
    return 100 * same / max(total, 1)


def describe(verdicts: Sequence[Verdict], smoothing: str) -> str:
    """Return the section of the card.

    Args:
        smoothing: what is said of it.
    """
    rows = [["language", "subset", "rows", "agreement%", "float32", "int8", "loss"]]
    for v in verdicts:
        numbers = (v.agreement, v.before, v.after, v.loss)
        rows.append([v.lang, v.subset, str(v.rows), *(f"{x:.2f}" for x in numbers)])
    return (
        "## int8\n\n8-bit weights by output channel, 8-bit embeddings by row, 8-bit "
        f"activations by token; smoothing: {smoothing}. Compared with float32 on the "
        f"dev data:\n\n{table(rows)}"
    )


def refuse(verdicts: Sequence[Verdict], tolerance: float) -> None:
    """Refuse a loss above `tolerance` points.

    Raises:
        ValueError: naming the language that lost most.
    """
    worst = max(verdicts, key=lambda v: v.loss)
    if worst.loss > tolerance:
        raise ValueError(
            f"int8 loses {worst.loss:.2f} points in {worst.lang} ({worst.before:.2f} "
            f"-> {worst.after:.2f} on {worst.rows} rows of {worst.subset}), more than "
            f"--tolerance {tolerance}: nothing was written; let more --dev-rows "
            "decide, raise it, or give --force"
        )


def _read(trained: Trained, lang: str, split: str, rows: int) -> DevSet:
    facts, data = trained.facts, str(trained.data)
    longest, rule = facts.max_positions, facts.long_inputs
    if facts.task == MLM:
        texts = load_part(data, lang, split)
        ids = [_ids(texts, i) for i in range(min(rows, len(texts)))]
        whole = [join_pair(x, None, longest, "truncate") for x in ids]
        if not facts.has_lm_head:
            return DevSet(f"{lang}/{split}", [Question(x) for x in whole], [])
        return DevSet(f"{lang}/{split}", *_mask(whole, trained.symbols))
    subset = f"{split}.{lang}"
    part = load_part(data, INPUT0, subset)
    count = min(rows, len(part))
    if facts.task == CLASSIFICATION:
        second = load_part(data, INPUT1, subset) if has_pairs(data) else None
        pairs = [
            (_ids(part, i), None if second is None else _ids(second, i))
            for i in range(count)
        ]
        questions = [Question(join_pair(*pair, longest, rule)) for pair in pairs]
    else:
        pieces = load_part(data, PIECES, subset)
        rule = "truncate" if rule == "window" and facts.decoder else rule
        sequences = [
            join_words(_ids(part, i), pieces[i].tolist(), longest, rule)
            for i in range(count)
        ]
        words = [[""] * len(x.columns) for x in sequences]
        if facts.decoder:
            words = _symbols(data, WORDS, subset, count)
        questions = [
            Question(x, [Word(word, 0, 0) for word in of_row])
            for x, of_row in zip(sequences, words)
        ]
    gold: list[dict[str, list[str]]] = [{} for _ in range(count)]
    for name in _folders_of(facts.task) - {WORDS}:
        for row, labels in zip(gold, _symbols(data, name, subset, count)):
            row[name] = labels
    if facts.decoder:
        for row, question in zip(gold, questions):
            spelt = [word.text for word in question.words]
            row[TARGET] = from_pointers(row[TARGET], spelt)
    return DevSet(subset, questions, gold)


def _mask(
    texts: Sequence[Sequences], symbols: Sequence[str]
) -> tuple[list[Question], Sequence[Labels]]:
    """Hide every seventh piece; the labels are what stood there."""
    questions, gold = [], []
    for (row,), first, windows, columns in texts:
        masks = range(3, len(row) - 1, _MASK_EVERY)
        hidden = [symbols.index(MASK) if i in masks else x for i, x in enumerate(row)]
        sequences = Sequences([hidden], first, windows, columns)
        questions.append(Question(sequences, masks=list(masks)))
        gold.append({LABEL: [symbols[row[i]] for i in masks]})
    return questions, gold


def _ids(part: Any, row: int) -> list[int]:
    return [i for i in part[row].tolist() if i != EOS]


def _symbols(data: str, folder: str, subset: str, count: int) -> list[list[str]]:
    names, _ = read_dictionary(str(Path(data, folder, DICTIONARY_FILE)))
    part = load_part(data, folder, subset)
    return [[names[i] for i in _ids(part, row)] for row in range(count)]


def _folders_of(task: str) -> set[str]:
    if task == CLASSIFICATION:
        return {LABEL}
    if task == PARSING:
        return {TARGET, WORDS}
    return {LABEL, INTENT, WORDS} if task == INTENT_SLOT else {LABEL, WORDS}


def _labels_of(answer: Mapping[str, Any]) -> Labels:
    if "label" in answer:
        return {LABEL: [answer["label"]]}
    if "parse" in answer:
        return {TARGET: answer["parse"].split(" ")}
    intent = {INTENT: [answer["intent"]]} if "intent" in answer else {}
    return {LABEL: answer["tags"], **intent}


def _flat(answer: Mapping[str, Any]) -> list[str]:
    if "masks" in answer:
        return [mask["symbols"][0] for mask in answer["masks"]]
    if "parse" in answer:
        return [answer["parse"]]
    return [label for labels in _labels_of(answer).values() for label in labels]


def score(
    facts: Facts, gold: Sequence[Labels], answers: Sequence[Mapping[str, Any]]
) -> float:
    """Return the task's main metric; of masked LM, the share of right symbols.

    Args:
        gold: labels by folder, of each row.
        answers: what a Predictor returned.
    """
    if facts.has_lm_head:
        wanted = [{"masks": [{"symbols": [x]} for x in row[LABEL]]} for row in gold]
        return agree(wanted, answers)
    labels = {label for head in facts.heads for label in head.labels}
    labels |= {label for row in gold for label in row.get(LABEL, ())}
    tags = [[label] for label in sorted(labels)]
    metric = choose_metric(_folders_of(facts.task), tags=tags)
    scores = metric.score_rows(list(gold), [_labels_of(x) for x in answers])
    return float(next(score.value for score in scores if score.key == metric.main))
