"""A small HTTP server on this machine that can misbehave as real ones do."""

import re
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Served:
    """One file, and how its server behaves.

    Attributes:
        cuts: after how many bytes to cut the connection, request by request.
        statuses: what to answer first, request by request.
        last_modified: a date, which If-Range may name too.
        ranges: whether parts can be asked for.
        shift: how many bytes a part begins before the one that was asked for.
        obeys_if_range: whether a part of another version is refused.
        pause: seconds after each 64 KiB.
    """

    content: bytes
    etag: str = '"1"'
    content_type: str = "application/octet-stream"
    cuts: list = field(default_factory=list)
    statuses: list = field(default_factory=list)
    last_modified: str = ""
    ranges: bool = True
    shift: int = 0
    obeys_if_range: bool = True
    pause: float = 0
    headers: dict = field(default_factory=dict)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        served = self.server.files.get(self.path)
        start = self.first_byte(served) if served else 0
        self.server.log.append((self.path, start))
        if served is None or served.statuses:
            return self.refuse(served.statuses.pop(0) if served else 404)
        if start and start >= len(served.content):
            return self.refuse(416)
        self.send_response(206 if start else 200)
        length = len(served.content)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{length - 1}/{length}")
        self.send_header("Content-Length", str(length - start))
        self.send_header("Content-Type", served.content_type)
        if served.etag:
            self.send_header("ETag", served.etag)
        if served.last_modified:
            self.send_header("Last-Modified", served.last_modified)
        for name, value in served.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.send_body(served, start)

    def refuse(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        if status in (301, 302):
            self.send_header("Location", self.server.redirect)
        self.end_headers()

    def first_byte(self, served):
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        # A weak ETag never allows a part (RFC 9110, 13.1.5).
        valid = {served.etag, served.last_modified} - {""}
        valid = {name for name in valid if not name.startswith("W/")}
        condition = self.headers.get("If-Range")
        refused = condition and condition not in valid and served.obeys_if_range
        if not match or not served.ranges or refused:
            return 0
        return max(0, int(match[1]) - served.shift)

    def send_body(self, served, start):
        stop = len(served.content)
        if served.cuts:
            stop = min(stop, start + served.cuts.pop(0))
            self.close_connection = True
        for position in range(start, stop, 1 << 16):
            self.wfile.write(served.content[position : min(stop, position + (1 << 16))])
            time.sleep(served.pause)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Say nothing of a client that hangs up."""


@contextmanager
def serve(files):
    """Serve `files`, `Served` by path.

    Gives the server with its `url`, the target of its redirects as `redirect`, and as
    `log` the path and the first byte of each answer.
    """
    server = Server(("127.0.0.1", 0), Handler)
    server.files, server.log, server.redirect = files, [], ""
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
