"""Many callers, one engine: what waits is computed together."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from itertools import islice
from threading import Condition, Thread
from typing import NamedTuple

from fairseq_mlkd.remedies import describe
from fairseq_mlkd.serve.predictor import Answer, Predictor, Question, Request


class Busy(RuntimeError):
    """No more can wait."""


class _Asked(NamedTuple):
    requests: Sequence[Request]
    lang: str | None
    answers: Future[list[Answer]]


class Batcher:
    """Answers in threads of its own what any thread asks.

    An idle engine starts at once, and a busy one takes all that came meanwhile; nobody
    waits for a batch to fill.

    Args:
        predictor: answers a batch as it answers each text alone.
        batch: the most texts that are computed together. Parses are searched one by
            one, so that none waits for another's end.
        waiting: the most texts that wait.
        workers: threads that compute.
    """

    def __init__(
        self,
        predictor: Predictor,
        *,
        batch: int = 32,
        waiting: int = 256,
        workers: int = 1,
    ) -> None:
        self._predictor = predictor
        self._batch = 1 if predictor.facts.decoder else batch
        self._most = waiting
        self._asked: deque[_Asked] = deque()
        self._changed = Condition()
        self._is_closed = False
        self.waiting = 0  # texts
        self._workers = [Thread(target=self._work, daemon=True) for _ in range(workers)]
        for worker in self._workers:
            worker.start()

    def submit(
        self, requests: Sequence[Request], lang: str | None = None
    ) -> Future[list[Answer]]:
        """Have some requests answered; the future raises what `Predictor` raises.

        Raises:
            Busy: too many wait.
        """
        one = _Asked(requests, lang, Future())
        with self._changed:
            if self._is_closed or self.waiting + len(requests) > self._most:
                raise Busy("too many requests are waiting; try again")
            self._asked.append(one)
            self.waiting += len(requests)
            self._changed.notify()
        return one.answers

    def close(self) -> None:
        """Answer what waits, take no more, and end the threads."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        for worker in self._workers:
            worker.join()

    def _work(self) -> None:
        while asked := self._take():
            self._answer(asked)

    def _take(self) -> list[_Asked]:
        """Return what comes next, as soon as there is any; nothing after the end."""
        taken: list[_Asked] = []
        room = self._batch
        with self._changed:
            self._changed.wait_for(lambda: self._asked or self._is_closed)
            while self._asked and (not taken or len(self._asked[0].requests) <= room):
                taken.append(self._asked.popleft())
                room -= len(taken[-1].requests)
            self.waiting -= self._batch - room
        return taken

    def _answer(self, asked: Sequence[_Asked]) -> None:
        read: list[tuple[_Asked, list[Question]]] = []
        for one in asked:
            if one.answers.set_running_or_notify_cancel():
                try:
                    read.append((one, self._read(one)))
                except Exception as error:
                    one.answers.set_exception(error)
        try:
            questions = [question for _, some in read for question in some]
            answers = iter(self._predictor.answer(questions))
        except Exception as error:
            for one, _ in read:  # it is no fault of theirs
                one.answers.set_exception(RuntimeError(describe(error)))
            return
        for one, some in read:
            one.answers.set_result(list(islice(answers, len(some))))

    def _read(self, asked: _Asked) -> list[Question]:
        questions = []
        for number, request in enumerate(asked.requests, 1):
            try:
                questions.append(self._predictor.read(request, asked.lang))
            except ValueError as error:
                if len(asked.requests) == 1:
                    raise
                raise ValueError(f"request {number}: {error}") from None
        return questions
