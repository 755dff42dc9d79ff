"""A predictor whose answers wait for the test."""

import threading
from types import SimpleNamespace


class Slow:
    """A predictor that answers in capitals, once it is let go."""

    def __init__(self, has_decoder=False):
        self.facts = SimpleNamespace(decoder=has_decoder)
        self.go, self.has_begun = threading.Event(), threading.Event()
        self.batches = []

    def read(self, request, lang=None):
        if not request.islower():
            raise ValueError(f"{request} is no word")
        return request

    def answer(self, questions):
        self.has_begun.set()
        assert self.go.wait(5)
        self.batches.append(list(questions))
        if "boom" in questions:
            raise RuntimeError("boom")
        return [question.upper() for question in questions]
