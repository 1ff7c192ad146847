"""A stand-in for the embedded model's child: its protocol, and a server without a model.

Options say how it misbehaves. Prompts do too: `die` ends it within the reply, `pid` is answered
with its process id and `settings` with what it was handed.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def event(text: str) -> bytes:
    data = f"data: {json.dumps({'choices': [{'delta': {'content': text}}]})}\n\n".encode()
    return b"%x\r\n%s\r\n" % (len(data), data)


class Handler(BaseHTTPRequestHandler):
    """Answers one prompt, in three chunks and `[DONE]`."""

    protocol_version = "HTTP/1.1"
    settings: dict[str, object]

    def do_GET(self) -> None:
        body = json.dumps({"data": [{"id": self.settings["model"], "meta": {"n_ctx": 512}}]})
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        prompt = asked["messages"][-1]["content"]
        answers = {"pid": str(os.getpid()), "settings": json.dumps(self.settings)}
        allowed = self.headers["authorization"] == f"Bearer {self.settings['api_key']}"
        self.send_response(200 if allowed else 401)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        self.wfile.write(event("first"))
        self.wfile.write(event(answers.get(prompt, prompt)))
        if prompt == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        self.wfile.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument(
        "--fail-while", type=Path, help="die at the start while this file is there"
    )
    options.add_argument("--report", help="say this instead of where it serves")
    options.add_argument("--never-ready", action="store_true")
    options.add_argument("--stubborn", action="store_true", help="stay when standard input ends")
    options.add_argument("--noise", type=int, default=0, help="lines for standard error")
    asked = options.parse_args()
    Handler.settings = json.loads(sys.stdin.readline())
    for number in range(asked.noise):
        sys.stderr.write(f"line {number} of the noise\n")
    if asked.fail_while and asked.fail_while.exists():
        sys.stderr.write("0.01 E loader: the weights are rotten\n0.02 E so it ends\n")
        sys.exit(3)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if not asked.never_ready:
        where = json.dumps({"base_url": f"http://127.0.0.1:{server.server_port}/v1"})
        sys.stdout.write((asked.report or where) + "\n")
        sys.stdout.flush()
    threading.Thread(target=server.serve_forever, daemon=not asked.stubborn).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
