"""A real client and a real server on 127.0.0.1: load, limits, bad calls, the end."""

import asyncio
import http.client
import json
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import uvicorn
from exported import CLASSIFICATION, SENTENCES, TAGGING, export, make
from slow_predictor import Slow

from fairseq_mlkd import Predictor
from fairseq_mlkd.serve.batcher import Batcher
from fairseq_mlkd.serve.folder import Facts
from fairseq_mlkd.serve.service import Limits, build_app

TEXTS = [text for texts in SENTENCES.values() for text in texts]
LIMITS = Limits(body=5000, texts=4, length=300, seconds=0.5)


@contextmanager
def serve(predictor, facts, limits=LIMITS, **options):
    """Run the server in a thread; yield its port, itself and the batcher."""
    batcher = Batcher(predictor, **options)
    app = build_app(batcher, facts, limits)
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield listening.getsockname()[1], server, batcher
    finally:
        server.should_exit = True
        thread.join(10)
    assert not thread.is_alive()


def call(port, body, path="/predict", method="POST", headers=None):
    """Return status and JSON of one call, on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request(method, path, data, headers or {})
    answer = connection.getresponse()
    found = answer.status, json.loads(answer.read())
    connection.close()
    return found


@pytest.fixture(scope="module")
def predictors(tmp_path_factory):
    found = {}
    for task in (TAGGING, CLASSIFICATION):
        folder = tmp_path_factory.mktemp(task)
        made = make(folder, task, model_max_positions=90)
        found[task] = Predictor(export(made, folder / "out", "--onnx"))
    return found


@pytest.fixture(scope="module")
def tagger(predictors):
    with serve(predictors[TAGGING], predictors[TAGGING].facts) as (port, *_):
        yield port


def load(port, predictor, clients, calls):
    """Have clients ask at once, on connections that stay; compare each answer."""
    alone = {text: predictor(text) for text in TEXTS}

    def ask(number):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        for i in range(calls):
            texts = [TEXTS[(number + i + j) % len(TEXTS)] for j in range(i % 4)]
            asked = texts or TEXTS[number % len(TEXTS)]
            connection.request("POST", "/predict", json.dumps(asked))
            answer = connection.getresponse()
            found = json.loads(answer.read())
            assert answer.status == 200, found
            wanted = [alone[text] for text in texts] if texts else alone[asked]
            assert found == wanted
        return calls

    with ThreadPoolExecutor(clients) as pool:
        assert sum(pool.map(ask, range(clients))) == clients * calls


@pytest.mark.parametrize(
    "clients, calls", [(8, 12), pytest.param(32, 100, marks=pytest.mark.slow)]
)
def test_answers_under_load_are_those_of_asking_alone(predictors, clients, calls):
    predictor, batches = predictors[TAGGING], []
    answer = predictor.answer
    counting = Slow()
    counting.read, counting.facts = predictor.read, predictor.facts
    counting.answer = lambda asked: batches.append(len(asked)) or answer(asked)
    with serve(counting, predictor.facts, workers=2) as (port, *_):
        load(port, predictor, clients, calls)
    assert max(batches) > 3, "calls were answered together"


def test_texts_pairs_words_and_languages_are_asked_as_the_predictor_is(predictors):
    predictor = predictors[CLASSIFICATION]
    pair = {"text": "Der König", "text_pair": "12", "lang": "de"}
    with serve(predictor, predictor.facts) as (port, *_):
        assert call(port, "the king") == (200, predictor("the king"))
        assert call(port, pair) == (200, predictor(pair))
        several = ["the king", ["the king", "12"], pair]
        wanted = [predictor("the king"), predictor(("the king", "12")), predictor(pair)]
        assert call(port, several) == (200, wanted)
        status, german = call(port, [["Der König", "12"]], "/predict?lang=de")
        assert (status, german) == (200, [predictor(pair)])
        assert german != [predictor(("Der König", "12"))]


def test_words_are_tagged_as_they_are_given(tagger, predictors):
    words = {"words": ["New", "York", "."]}
    assert call(tagger, words) == (200, predictors[TAGGING](words))


@pytest.mark.parametrize(
    "body, status, part",
    [
        (b"", 400, "not JSON"),
        (b"{", 400, "not JSON"),
        (b"\xff\xfe", 400, "not JSON"),
        (b"[" * 4000, 400, "not JSON"),
        (b'{"text": ' + b"9" * 4400 + b"}", 400, "not JSON"),
        (b"[]", 400, "0 requests"),
        (["a"] * 5, 400, "5 requests: 1 to 4"),
        (3, 400, "a request is"),
        (None, 400, "a request is"),
        ([["a", "b", "c"]], 400, "a request is"),
        (["the king", {"texts": "a"}], 400, "request 2: unknown field texts"),
        ({"text": 3}, 400, "text: a text is needed"),
        ({"text": "a", "lang": ["en"]}, 400, "lang: "),
        ({"words": [["a"]]}, 400, "words: a list"),
        ({"text": "\ud800"}, 400, "text: a text is needed, of whole characters"),
        ("\ud800", 400, "text: a text is needed, of whole characters"),
        ({"words": ["\udfff"]}, 400, "words: a list of texts"),
        ("", 400, "no words"),
        ("ab " * 99, 400, "the input has"),
        ("a" * 301, 400, "a request of 301 characters"),
        ({"words": ["a"] * 200}, 400, "a request of 400 characters"),
        ({"words": [], "lang": "x" * 400}, 400, "a request of"),
        (b'"' + b"a" * 5000 + b'"', 413, "longer than 5000 bytes"),
    ],
)
def test_a_malformed_call_is_refused_in_one_line(tagger, body, status, part):
    found, answer = call(tagger, body)
    assert found == status and list(answer) == ["error"]
    assert part in answer["error"] and "\n" not in answer["error"]


@pytest.mark.parametrize(
    "path, method, status",
    [("/predict", "GET", 405), ("/nothing", "GET", 404), ("/", "POST", 405)],
)
def test_other_paths_and_methods_are_refused_in_one_line(tagger, path, method, status):
    found, answer = call(tagger, b"", path, method)
    assert found == status and list(answer) == ["error"]


@pytest.mark.parametrize("length", ["Content-Length: 9", "Transfer-Encoding: chunked"])
def test_a_body_that_never_arrives_is_given_up(tagger, length):
    with socket.create_connection(("127.0.0.1", tagger), timeout=5) as connection:
        head = f"POST /predict HTTP/1.1\r\nHost: x\r\n{length}\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 408 ")
    assert call(tagger, "the king")[0] == 200


def test_a_client_that_goes_away_is_no_failure_of_the_server():
    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    sent = []
    batcher = Batcher(Slow())
    app = build_app(batcher, Facts("zero_shot_tagging", {}, 1), LIMITS)
    scope = {"type": "http", "method": "POST", "path": "/predict", "headers": []}
    asyncio.run(app(scope, receive, send))
    batcher.close()
    assert sent[0]["status"] == 400


def test_a_full_queue_is_said_at_once_and_the_rest_is_answered():
    slow, facts = Slow(), Facts("zero_shot_tagging", {}, 1)
    with (
        serve(slow, facts, waiting=2) as (port, _, batcher),
        ThreadPoolExecutor() as do,
    ):
        first = do.submit(call, port, "first")
        assert slow.has_begun.wait(5)
        second = do.submit(call, port, ["second", "third"])
        while batcher.waiting < 2:
            time.sleep(0.01)
        assert call(port, b"", "/health", "GET")[1]["waiting"] == 2
        status, answer = call(port, "fourth")
        assert status == 503 and "waiting" in answer["error"]
        slow.go.set()
        assert first.result(5) == (200, "FIRST")
        assert second.result(5) == (200, ["SECOND", "THIRD"])


def test_calls_under_way_are_answered_when_the_server_ends():
    slow, facts = Slow(), Facts("zero_shot_tagging", {}, 1)
    with ThreadPoolExecutor() as do, serve(slow, facts) as (port, server, _):
        first = do.submit(call, port, "first")
        assert slow.has_begun.wait(5)
        second = do.submit(call, port, "second")
        time.sleep(0.1)
        server.should_exit = True
        time.sleep(0.1)
        slow.go.set()
        assert first.result(5)[1] == "FIRST" and second.result(5)[1] == "SECOND"
    with pytest.raises(OSError):
        call(port, "third")


def test_an_engine_that_fails_is_one_line():
    slow, facts = Slow(), Facts("zero_shot_tagging", {}, 1)
    slow.go.set()
    with serve(slow, facts) as (port, *_):
        status, answer = call(port, "boom")
        assert status == 500 and "boom" not in answer["error"]
        assert call(port, "well") == (200, "WELL")


def test_the_page_loads_nothing_and_runs_its_own_script_alone(tagger):
    connection = http.client.HTTPConnection("127.0.0.1", tagger, timeout=5)
    connection.request("GET", "/")
    answer = connection.getresponse()
    html, policy = answer.read().decode(), answer.headers["Content-Security-Policy"]
    connection.close()
    assert answer.status == 200 and "viewport" in html
    assert not re.search(r"\b(src|href)=|url\(|@import|https?://|innerHTML", html)
    assert "default-src 'none'" in policy and "unsafe" not in policy
