"""A Predictor over HTTP: `/predict`, `/health` and, at `/`, a page to type into."""

from __future__ import annotations

import asyncio
import json
import re
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from fairseq_mlkd.remedies import describe
from fairseq_mlkd.serve.batcher import Batcher, Busy
from fairseq_mlkd.serve.folder import Facts
from fairseq_mlkd.serve.predictor import Request

_PAGE = Path(__file__).with_name("page.html")


class Limits(NamedTuple):
    """What one call may ask."""

    body: int = 1 << 20  # bytes
    texts: int = 64
    length: int = 2000  # characters of a text
    seconds: float = 10.0  # for the body to arrive


def build_app(batcher: Batcher, facts: Facts, limits: Limits) -> Starlette:
    """Return the application; it closes the batcher when it ends.

    Whatever is wrong with a call is answered by `{"error": "one line"}`: 400 for a body
    that is no request, 408 or 413 for one too slow or too large, 503 where too many
    wait.
    """

    async def health(_: HttpRequest) -> Response:
        return JSONResponse(
            {
                "status": "ok",
                "task": facts.task,
                "languages": list(facts.languages) or [facts.source_lang],
                "source_lang": facts.source_lang,
                "waiting": batcher.waiting,
            }
        )

    async def predict(call: HttpRequest) -> Response:
        body = await _read_body(call, limits)
        try:
            requests, is_list = parse_body(body, limits)
            asked = batcher.submit(requests, call.query_params.get("lang"))
            answers = await asyncio.wrap_future(asked)
        except Busy as error:
            raise HTTPException(503, str(error), {"Retry-After": "1"}) from None
        except ValueError as error:
            raise HTTPException(400, describe(error)) from None
        return JSONResponse(answers if is_list else answers[0])

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(batcher.close)

    html, headers = _read_page()
    return Starlette(
        routes=[
            Route("/", lambda _: HTMLResponse(html, headers=headers)),
            Route("/health", health),
            Route("/predict", predict, methods=["POST"]),
        ],
        exception_handlers={HTTPException: _refuse, Exception: _fail},
        lifespan=lifespan,
    )


def parse_body(body: bytes, limits: Limits) -> tuple[list[Request], bool]:
    """Return the requests of a body, and whether they came as a list.

    A pair of texts is, within the list, a list of two.

    Raises:
        ValueError: no JSON, or more than the limits allow.
    """
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the body is not JSON ({error})") from None
    found = asked if isinstance(asked, list) else [asked]
    if not 0 < len(found) <= limits.texts:
        raise ValueError(
            f"the list has {len(found)} requests: 1 to {limits.texts} are answered"
        )
    for length in map(_length, found):
        if length > limits.length:
            raise ValueError(
                f"a request of {length} characters: at most {limits.length} are read"
            )
    requests = [tuple(x) if isinstance(x, list) else x for x in found]
    return requests, isinstance(asked, list)


def _length(request: Any) -> int:
    """Return how many characters the texts of a request have, or of its words."""
    if isinstance(request, str):
        return len(request)
    parts: Sequence[Any] = ()
    if isinstance(request, Mapping):
        parts = list(request.values())
    elif isinstance(request, list):
        parts = request
    flat = [x for part in parts for x in (part if isinstance(part, list) else [part])]
    return len(flat) + sum(len(x) for x in flat if isinstance(x, str))


async def _read_body(call: HttpRequest, limits: Limits) -> bytes:
    async def read() -> bytes:
        body = bytearray()
        async for part in call.stream():
            body += part
            if len(body) > limits.body:
                raise HTTPException(
                    413, f"the body is longer than {limits.body} bytes", _CLOSE
                )
        return bytes(body)

    try:
        return await asyncio.wait_for(read(), limits.seconds)
    except asyncio.TimeoutError:
        raise HTTPException(408, "the body did not arrive in time", _CLOSE) from None
    except ClientDisconnect:  # nobody reads the answer; the log stays clean
        raise HTTPException(400, "the body did not arrive whole", _CLOSE) from None


_CLOSE = {"Connection": "close"}  # the rest of the body is not read


async def _refuse(_: HttpRequest, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    found = {"error": error.detail}
    return JSONResponse(found, error.status_code, headers=error.headers)


async def _fail(_: HttpRequest, error: Exception) -> Response:
    return JSONResponse({"error": "the server failed; its log says more"}, 500)


def _read_page() -> tuple[str, dict[str, str]]:
    """Return the page, and headers by which it may run its own script alone."""
    html = _PAGE.read_text(encoding="utf-8")
    (script,) = re.findall(r"<script>(.*)</script>", html, re.DOTALL)
    (style,) = re.findall(r"<style>(.*)</style>", html, re.DOTALL)
    policy = ["default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'"]
    for kind, text in (("script", script), ("style", style)):
        digest = b64encode(sha256(text.encode()).digest()).decode()
        policy.append(f"{kind}-src 'sha256-{digest}'")
    return html, {"Content-Security-Policy": "; ".join(policy)}
