"""HTTP: retries with back-off, no way from https to http, errors in a few words."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from fairseq_mlkd import __version__

TIMEOUT = (10, 60)  # seconds to connect, and between two pieces of an answer
PASSING = (429, 500, 502, 503, 504)  # states of a server that may be over soon


class Unavailable(Exception):
    """A file that the network does not give; the text says why in a few words."""


class Missing(Unavailable):
    """The server says that there is no such file."""


class Session(requests.Session):
    """Ask for bytes as they are, and again where the trouble may pass.

    Args:
        backoff: seconds before the second try; twice as long before each later one.
    """

    def __init__(self, backoff: float) -> None:
        super().__init__()
        retry = Retry(
            connect=2,
            read=2,
            status=4,
            backoff_factor=backoff,
            status_forcelist=PASSING,
            raise_on_status=False,
        )
        for scheme in ("http://", "https://"):
            self.mount(scheme, HTTPAdapter(max_retries=retry))
        # Wikimedia asks programs to name themselves. A packed transfer would hash to
        # something else.
        self.headers["User-Agent"] = f"fairseq_mlkd/{__version__}"
        self.headers["Accept-Encoding"] = "identity"

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Return where an answer sends us.

        Raises:
            Unavailable: from an encrypted address to one that is not.
        """
        target = super().get_redirect_target(resp)
        if target is not None:
            schemes = [
                urlsplit(url).scheme for url in (resp.url, urljoin(resp.url, target))
            ]
            if schemes == ["https", "http"]:
                raise Unavailable(f"redirected to {target}, which is not encrypted")
        return target

    def open(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        """Return an answer, whole (200) or in part (206, 416), before its body is read.

        Raises:
            Unavailable: no connection, or another answer.
        """
        try:
            response = self.get(url, headers=headers, stream=True, timeout=TIMEOUT)
        except requests.RequestException as error:
            raise Unavailable(_explain(error, url)) from None
        if response.status_code not in (200, 206, 416):
            response.close()
            kind = Missing if response.status_code == 404 else Unavailable
            raise kind(f"HTTP {response.status_code} {response.reason}")
        return response

    def read(self, url: str) -> str:
        """Return a small text from the network.

        Raises:
            Unavailable: as `open`, or the connection breaks off.
        """
        with self.open(url, {}) as response:
            try:
                return response.content.decode("utf-8", errors="replace")
            except requests.RequestException as error:
                raise Unavailable(_explain(error, url)) from None


def _explain(error: requests.RequestException, url: str) -> str:
    """Return the cause, without the layers of wrapping around it."""
    host = urlsplit(url).netloc
    if isinstance(error, requests.Timeout):
        return f"no answer from {host}"
    if isinstance(error, requests.ConnectionError):
        reason = getattr(error.args[0] if error.args else None, "reason", error)
        return f"no connection to {host}: {type(reason).__name__}"
    return f"no answer from {host}: {type(error).__name__}"
