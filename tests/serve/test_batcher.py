"""What waits is answered together, one bad request hurts nobody, and the queue ends."""

import threading

import pytest
from slow_predictor import Slow

from fairseq_mlkd.serve.batcher import Batcher, Busy


@pytest.fixture
def slow():
    return Slow()


@pytest.fixture
def batcher(slow):
    batcher = Batcher(slow, batch=4, waiting=6)
    yield batcher
    slow.go.set()
    batcher.close()


def start(batcher, slow):
    """Make the engine busy with one request."""
    first = batcher.submit(["first"])
    assert slow.has_begun.wait(5)
    return first


def test_what_came_meanwhile_is_one_batch_of_bounded_size(batcher, slow):
    first = start(batcher, slow)
    others = [batcher.submit(words) for words in (["a"], ["b", "c"], ["d"], ["e"])]
    assert batcher.waiting == 5
    slow.go.set()
    assert first.result(5) == ["FIRST"]
    assert [x.result(5) for x in others] == [["A"], ["B", "C"], ["D"], ["E"]]
    assert slow.batches == [["first"], ["a", "b", "c", "d"], ["e"]]
    assert batcher.waiting == 0


def test_more_than_can_wait_are_refused_at_once(batcher, slow):
    start(batcher, slow)
    waiting = batcher.submit(["a", "b", "c", "d", "e"])
    with pytest.raises(Busy):
        batcher.submit(["f", "g"])
    last = batcher.submit(["f"])
    slow.go.set()
    assert len(waiting.result(5)) == 5 and last.result(5) == ["F"]
    assert batcher.submit(["g"]).result(5) == ["G"]


def test_a_bad_request_is_refused_and_its_neighbours_are_answered(batcher, slow):
    start(batcher, slow)
    good = batcher.submit(["a"])
    bad, other = batcher.submit(["b", "B"]), batcher.submit(["d"])
    alone = batcher.submit(["C"])
    slow.go.set()
    assert good.result(5) == ["A"] and other.result(5) == ["D"]
    with pytest.raises(ValueError, match="^request 2: B is no word$"):
        bad.result(5)
    with pytest.raises(ValueError, match="^C is no word$"):
        alone.result(5)
    assert ["a", "d"] in slow.batches


def test_an_engine_that_fails_goes_on(batcher, slow):
    slow.go.set()
    with pytest.raises(RuntimeError, match="boom"):
        batcher.submit(["boom"]).result(5)
    assert batcher.submit(["a"]).result(5) == ["A"]


def test_who_has_gone_is_not_answered(batcher, slow):
    start(batcher, slow)
    assert batcher.submit(["gone"]).cancel()
    slow.go.set()
    assert batcher.submit(["a"]).result(5) == ["A"]
    assert not any("gone" in batch for batch in slow.batches)


def test_the_end_answers_what_waits_and_takes_no_more(batcher, slow):
    start(batcher, slow)
    waiting = batcher.submit(["a"])
    ending = threading.Thread(target=batcher.close)
    ending.start()
    slow.go.set()
    ending.join(5)
    assert not ending.is_alive() and waiting.result(0) == ["A"]
    with pytest.raises(Busy):
        batcher.submit(["b"])


def test_parses_do_not_wait_for_each_other():
    slow = Slow(has_decoder=True)
    batcher = Batcher(slow, batch=4)
    start(batcher, slow)
    others = [batcher.submit(["a"]), batcher.submit(["b"])]
    slow.go.set()
    assert [x.result(5) for x in others] == [["A"], ["B"]]
    assert slow.batches == [["first"], ["a"], ["b"]]
    batcher.close()
