"""A stand-in for the Hugging Face hub on this machine.

It answers the requests of a download correctly, or fails in a chosen way.

GET  /api/datasets/<repository>[/revision/<revision>]          commit and file names
HEAD, GET /datasets/<repository>/resolve/<commit>/<file>       headers, bytes (ranges allowed)
"""

import hashlib
import json
import re
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler

from loopback import LoopbackServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def answer_about(files: Mapping[str, bytes], **other: object) -> bytes:
    """What a hub says about a repository with these files; `other` entries replace the right ones."""
    siblings: list[dict[str, object]] = [{"rfilename": "README.md"}]
    for name, body in files.items():
        checksum = hashlib.sha256(body).hexdigest()
        lfs = {"sha256": checksum, "size": len(body), "pointerSize": 134}
        siblings.append({"rfilename": name, "size": len(body), "blobId": checksum[:40], "lfs": lfs})
    facts = {"id": "people", "sha": COMMIT, "siblings": siblings, "private": False, "tags": []}
    return json.dumps(facts | other).encode()


class Hub:
    """The files of the server, its behaviour, and the requests so far.

    Attributes:
        files: name -> bytes of the one repository.
        mood: "well", or a way of failing: "slow", "stalled", "drops once", "truncated", "gated", "private",
            "not found", "no revision", "broken", "no hub", "silent", "drips", "other bytes",
            "endless" (10^15 bytes are announced).
        answer: what is said about the repository, if it is not the truth.
        requests: "METHOD path" of every request so far.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.mood = "well"
        self.answer: bytes | None = None
        self.requests: list[str] = []
        self._server = LoopbackServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        """Stop answering: the port is closed, and open connections are closed when they are next used."""
        self.mood = "stopped"
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *words: object) -> None:
                pass

            def do_HEAD(self) -> None:
                self.answer()

            def do_GET(self) -> None:
                self.answer()

            def answer(self) -> None:
                hub.requests.append(f"{self.command} {self.path}")
                if hub.mood == "stopped":
                    self.close_connection = True
                    return
                errors = {
                    "gated": (403, "GatedRepo"),
                    "gated, no login": (401, "GatedRepo"),
                    "private": (401, "RepoNotFound"),
                    "not found": (404, "RepoNotFound"),
                    "no revision": (404, "RevisionNotFound"),
                    "broken": (500, ""),
                }
                if hub.mood in errors:
                    status, code = errors[hub.mood]
                    self.send(status, b'{"error": "no"}', {"X-Error-Code": code, "X-Error-Message": "no"})
                elif hub.mood == "no hub":
                    self.send(200, b"<html>Welcome to the hotel's network</html>", {})
                elif self.path.startswith("/api/datasets/"):
                    if hub.mood == "silent":
                        time.sleep(2)
                    body = answer_about(hub.files) if hub.answer is None else hub.answer
                    self.send(200, body, {"Content-Type": "application/json"})
                elif match := re.fullmatch(r"/datasets/.+?/resolve/(\w+)/(.+)", self.path):
                    self.file(hub.files[match[2]], match[1])
                else:
                    self.send(404, b"", {})

            def file(self, body: bytes, commit: str) -> None:
                start = int(re.sub(r"\D", "", (self.headers.get("Range") or "0").split("-")[0]) or 0)
                headers = {
                    "X-Repo-Commit": commit,
                    "ETag": f'"{hash(body) & 0xFFFFFFFF:08x}"',
                    "Accept-Ranges": "bytes",
                }
                if start:
                    headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
                if self.command == "GET" and hub.mood == "stalled":
                    time.sleep(1)
                if hub.mood == "other bytes":
                    body = body[:-1] + bytes([body[-1] ^ 1])
                if self.command == "GET" and hub.mood == "truncated":
                    body = body[: len(body) // 2]
                rest = body[start:]
                if self.command == "GET" and hub.mood == "drops once":
                    hub.mood = "well"
                    self.send(200, rest, headers, only=len(rest) // 2)
                    self.close_connection = True
                else:
                    self.send(206 if start else 200, rest, headers)

            def send(
                self, status: int, body: bytes, headers: dict[str, str], only: int | None = None
            ) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                length = 10**15 if hub.mood == "endless" and "ETag" in headers else len(body)
                self.send_header("Content-Length", str(length))
                self.end_headers()
                if self.command == "HEAD":
                    return
                part = body if only is None else body[:only]
                pieces = {"slow": 5, "drips": len(part)}.get(hub.mood, 1)
                size = max(1, -(-len(part) // pieces))
                try:
                    for begin in range(0, len(part), size):
                        time.sleep(0.1 if hub.mood in ("slow", "drips") else 0)
                        self.wfile.write(part[begin : begin + size])
                        self.wfile.flush()
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True
                self.close_connection = self.close_connection or length > len(body)

        return Handler
