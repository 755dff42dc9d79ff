"""Raw text in, labels out: an exported folder that answers without fairseq."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import numpy as np

from fairseq_mlkd.serve.engine import Engine
from fairseq_mlkd.serve.engines import open_engine
from fairseq_mlkd.serve.folder import (
    MASKED_LM,
    Facts,
    Head,
    is_text,
    read_facts,
    read_tokenizer,
)
from fairseq_mlkd.serve.inputs import Sequences, join_pair, join_words, pad
from fairseq_mlkd.serve.parse_search import ParseSearch, log_softmax
from fairseq_mlkd.serve.words import OUTSIDE, Word, find_spans, split_words
from fairseq_mlkd.text.dictionary import MASK
from fairseq_mlkd.text.grammar import Grammar
from fairseq_mlkd.text.pointers import from_pointers
from fairseq_mlkd.text.windows import CUT, LONG_INPUTS, NO_SUBWORD

Request = str | tuple[str, str] | Mapping[str, Any]
Answer = dict[str, Any]

_FIELDS = {"text", "text_pair", "words", "lang"}
_BEST_FILLERS = 5
_UNKNOWN_LABEL = "<unk>"  # what fairseq-generate writes where truncation took the word
# longest parse, as fairseq-generate's --max-len-b
_LONGEST_PARSE = 200


class Question(NamedTuple):
    """A request that has been read and cut.

    Attributes:
        sequences: what the model reads.
        words: of tasks on words; where the text is None, their positions mean nothing.
        text: the raw text; None: the words were given.
        masks: columns of `<mask>`.
    """

    sequences: Sequences
    words: Sequence[Word] = ()
    text: str | None = None
    masks: Sequence[int] = ()


class Predictor:
    """Answers raw text with a model that `mlkd-export` wrote; threads may share it.

    A request is a text, a pair of texts, or a dictionary with `text`, `text_pair`,
    `words` (in place of `text`) and `lang`.

    Args:
        folder: the exported folder.
        engine: `auto` (the fastest there is), `int8`, `onnx` or `torch`; or one of
            your own.
        threads: that one batch may use; of `torch`, what this process may.
        batch_size: the most sequences that are computed at once.
        beam: of the search for parses.
        long_inputs: `refuse`, `window` or `truncate`; default: as in training.
    Raises:
        ValueError: in one line, which option is none, or why the folder cannot be
            used. Nothing in it has been run by then.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        engine: str | Engine = "auto",
        threads: int = 1,
        batch_size: int = 32,
        beam: int = 5,
        long_inputs: str | None = None,
    ) -> None:
        _check_numbers(threads=threads, batch_size=batch_size, beam=beam)
        if long_inputs not in (None, *LONG_INPUTS):
            raise ValueError(
                f"long_inputs {long_inputs!r} is none of {', '.join(LONG_INPUTS)}"
            )
        path = Path(folder)
        self.facts = read_facts(path)
        self._tokenizer, self._symbols = read_tokenizer(path, self.facts)
        if len(self._symbols) != self.facts.vocabulary:
            raise ValueError(
                f"{path}: {len(self._symbols)} symbols where the model has "
                f"{self.facts.vocabulary}; export the model again"
            )
        if not isinstance(engine, Engine):
            engine = open_engine(path, self.facts, engine, threads)
        self._engine = engine
        self._batch_size = batch_size
        self._rule = long_inputs or self.facts.long_inputs
        self._search = _parse_search(self.facts, beam) if self.facts.decoder else None
        # neither the tokenizers' caches nor MeCab are safe among threads
        self._cutting = Lock()

    def __call__(self, requests: Any, lang: str | None = None) -> Any:
        """Answer one request by a dictionary, or a list of them by a list.

        Args:
            requests: what the class says; a list is answered in batches.
            lang: ISO 639-1 code of the texts, which selects the rules of the spoken
                form; default: the language of fine-tuning.
        Returns:
            Of classification: `label`, `score` and `scores`, probabilities. Of tags:
            `words`, `tags`, `scores` and `entities`, each with `type`, `text`, `score`
            and, of raw text, `start` and `stop` in its characters; with intents
            `intent` and `intent_score`. Of parsing: `parse`, with the words, and
            `score`, the mean log probability of its symbols. Of masked LM: `masks`,
            the best symbols of each `<mask>`. Of an encoder: `embedding`, the mean of
            the last layer.
        Raises:
            ValueError: a request is none, or too long; nothing has been computed.
        """
        if isinstance(requests, list):
            return self.answer([self.read(request, lang) for request in requests])
        return self.answer([self.read(requests, lang)])[0]

    # --- reading

    def read(self, request: Request, lang: str | None = None) -> Question:
        """Cut a request into what the model reads.

        Raises:
            ValueError: it is no request, or too long.
        """
        fields = _fields_of(request)
        lang = fields.get("lang") or lang or self.facts.source_lang or "en"
        if not isinstance(lang, str):
            raise ValueError("lang: an ISO 639-1 code is needed")
        with self._cutting:
            if self._has_words():
                return self._read_words(fields, lang)
            return self._read_sentences(fields, lang)

    def _has_words(self) -> bool:
        return bool(self.facts.decoder) or any(not x.pooled for x in self.facts.heads)

    def _read_words(self, fields: Mapping[str, Any], lang: str) -> Question:
        if "text_pair" in fields:
            raise ValueError(f"text_pair: {self.facts.task} reads single sentences")
        text = fields.get("text")
        if text is None:
            words = [Word(word, 0, 0) for word in fields["words"]]
        else:
            has_marks = self.facts.task == "zero_shot_tagging"
            words = split_words(text, punctuation=has_marks)
        if not words:
            raise ValueError("the text has no words")
        symbols, owners = self._tokenizer.tokenize_words([w.text for w in words], lang)
        pieces = (
            np.bincount(owners, minlength=len(words)) if owners else [0] * len(words)
        )
        ids = self._symbols.ids(symbols)
        rule = self._rule
        if self.facts.decoder and rule == "window":
            rule = "refuse"
        found = join_words(ids, list(pieces), self.facts.max_positions, rule)
        return Question(found, words, text)

    def _read_sentences(self, fields: Mapping[str, Any], lang: str) -> Question:
        if "words" in fields:
            raise ValueError(f"words: {self.facts.task} reads texts")
        pair = fields.get("text_pair")
        second = None if pair is None else self._ids(pair, lang)
        if not self.facts.has_lm_head:
            first = self._ids(fields["text"], lang)
            found = join_pair(first, second, self.facts.max_positions, self._rule)
            return Question(found, text=fields["text"])
        ids: list[int] = []
        masks = []
        for number, part in enumerate(fields["text"].split(MASK)):
            if number:
                masks.append(1 + len(ids))
                ids += self._symbols.ids([MASK])
            ids += self._ids(part, lang)
        found = join_pair(ids, second, self.facts.max_positions, self._rule)
        inside = [column for column in masks if column < found.first[0] - 1]
        return Question(found, text=fields["text"], masks=inside)

    def _ids(self, text: str, lang: str) -> list[int]:
        return self._symbols.ids(self._tokenizer.tokenize(text, lang))

    # --- answering

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        """Answer what `read` returned, in batches."""
        if self._search is not None:
            return [self._parse(question) for question in questions]
        outputs = self._compute([question.sequences for question in questions])
        return [self._describe(*pair) for pair in zip(questions, outputs)]

    def _compute(self, sequences: Sequence[Sequences]) -> list[dict[str, list[Any]]]:
        """Return the outputs of each, row by row; short and long are batched apart."""
        flat = [
            (len(row), i, row, first)
            for i, one in enumerate(sequences)
            for row, first in zip(one.rows, one.first)
        ]
        order = sorted(range(len(flat)), key=lambda k: flat[k][0])
        rows: dict[int, dict[str, np.ndarray]] = {}
        for chunk in _chunks(order, self._batch_size):
            batch = pad([flat[k][2] for k in chunk], [flat[k][3] for k in chunk])
            found = self._engine.run(batch)
            for j, k in enumerate(chunk):
                rows[k] = {name: x[j] for name, x in found.items()}
        outputs: list[dict[str, list[Any]]] = [{} for _ in sequences]
        for k, (_, i, _, _) in enumerate(flat):
            for name, x in rows[k].items():
                outputs[i].setdefault(name, []).append(x)
        return outputs

    def _describe(self, question: Question, outputs: Mapping[str, list[Any]]) -> Answer:
        if MASKED_LM in outputs:
            return self._describe_masks(question, outputs[MASKED_LM][0])
        if not self.facts.heads:
            (row,) = question.sequences.rows
            features = outputs["last_hidden_state"][0][: len(row)]
            return {"embedding": features.mean(axis=0).tolist()}
        answer: Answer = {}
        for head in self.facts.heads:
            if head.pooled:
                lprobs = log_softmax(outputs[head.name][0])
                answer.update(self._describe_label(head, lprobs))
            else:
                answer.update(_describe_words(question, head, outputs[head.name]))
        return answer

    def _describe_label(self, head: Head, lprobs: np.ndarray) -> Answer:
        best = int(lprobs.argmax())
        label, score = head.labels[best], float(np.exp(lprobs[best]))
        if self._has_words():
            return {"intent": label, "intent_score": score}
        probs = np.exp(lprobs).tolist()
        return {"label": label, "score": score, "scores": dict(zip(head.labels, probs))}

    def _describe_masks(self, question: Question, logits: np.ndarray) -> Answer:
        masks = []
        for column in question.masks:
            probs = np.exp(log_softmax(logits[column]))
            best = np.argsort(-probs, kind="stable")[:_BEST_FILLERS]
            symbols = [self._symbols.names[i] for i in best]
            masks.append({"symbols": symbols, "scores": probs[best].tolist()})
        return {"masks": masks}

    def _parse(self, question: Question) -> Answer:
        assert self._search is not None
        found = question.sequences
        starts = np.maximum(found.columns, NO_SUBWORD)[None, : self.facts.num_pointers]
        parsing = self._engine.parse(
            pad(found.rows, found.first), starts, self._search.beam
        )
        best, *_ = self._search.search(parsing)
        words = [word.text for word in question.words]
        symbols = [self.facts.outputs[i] for i in best.symbols]
        parse = " ".join(from_pointers(symbols, words))
        return {"words": words, "parse": parse, "score": best.score}


def _check_numbers(**numbers: int) -> None:
    for name, number in numbers.items():
        if number < 1:
            raise ValueError(f"{name} {number}: a number from 1 is needed")


def _fields_of(request: Request) -> dict[str, Any]:
    if isinstance(request, str):
        request = {"text": request}
    if isinstance(request, tuple) and len(request) == 2:
        request = {"text": request[0], "text_pair": request[1]}
    if not isinstance(request, Mapping):
        raise ValueError("a request is a text, a pair of texts or a dictionary")
    fields = {key: value for key, value in request.items() if value is not None}
    unknown = [str(key) for key in fields if key not in _FIELDS]
    if unknown:
        raise ValueError(
            f"unknown field {unknown[0]}; {', '.join(sorted(_FIELDS))} are"
        )
    if ("text" in fields) == ("words" in fields):
        raise ValueError("a request has either text or words")
    for key in ("text", "text_pair"):
        if not is_text(fields.get(key, "")):
            raise ValueError(f"{key}: a text is needed, of whole characters")
    words = fields.get("words", [])
    if not isinstance(words, (list, tuple)) or not all(map(is_text, words)):
        raise ValueError("words: a list of texts is needed, of whole characters")
    return fields


def _describe_words(
    question: Question, head: Head, rows: Sequence[np.ndarray]
) -> Answer:
    found = question.sequences
    tags, scores = [], []
    for window, column in zip(found.windows, found.columns):
        if column >= 0:
            lprobs = log_softmax(rows[window][column])
            tags.append(head.labels[int(lprobs.argmax())])
            scores.append(float(np.exp(lprobs.max())))
        else:
            tags.append(_UNKNOWN_LABEL if column == CUT else OUTSIDE)
            scores.append(1.0)
    words = [word.text for word in question.words]
    entities = _entities(question, tags, scores)
    return {"words": words, "tags": tags, "scores": scores, "entities": entities}


def _entities(
    question: Question, tags: Sequence[str], scores: Sequence[float]
) -> list[Answer]:
    """Spans with their type and text; the score is that of the weakest tag."""
    entities = []
    for kind, first, end in find_spans(tags):
        entity: Answer = {"type": kind, "score": min(scores[first:end])}
        words = question.words[first:end]
        if question.text is None:
            entity["text"] = " ".join(word.text for word in words)
        else:
            start, stop = words[0].start, words[-1].stop
            entity.update(text=question.text[start:stop], start=start, stop=stop)
        entities.append({**entity, "words": [first, end]})
    return entities


def _parse_search(facts: Facts, beam: int) -> ParseSearch:
    grammar = None
    if facts.grammar != "none":
        pairs = facts.ontology if facts.grammar == "ontology" else None
        grammar = Grammar(facts.outputs, pairs)
    longest = min(_LONGEST_PARSE, facts.decoder["max_target_positions"] - 1)
    return ParseSearch(len(facts.outputs), grammar, beam, longest)


def _chunks(items: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
