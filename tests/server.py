"""A server on this machine that answers badly, as asked."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BODY = bytes(range(256)) * 2000  # 512 kB, not a multiple of the chunk size


class Answer:
    """What the server does with one request, and by default: the whole file, or the range asked for."""

    def __init__(
        self,
        body=BODY,
        *,
        status=200,
        headers=None,
        etag='"v1"',
        ranges=True,
        send=None,
        stall=None,
        pieces=1,
        pause=0,
    ):
        self.body, self.status, self.headers, self.etag = body, status, headers or {}, etag
        self.ranges, self.send, self.stall, self.pieces, self.pause = ranges, send, stall, pieces, pause


class Server:
    """A server on this machine that gives `answers` in order, the last one for ever, and remembers the requests."""

    def __init__(self):
        self.answers, self.requests, self.released = [Answer()], [], threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.requests.append((self.path, dict(self.headers)))
                outer.give(self, outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0])

            def log_message(self, *arguments):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.http.server_port}/data/set.bin"

    def give(self, handler, answer):
        if answer.stall == "before":
            self.released.wait(20)
            return
        start = self.range_start(handler, answer)
        body = answer.body[start:]
        if start >= len(answer.body) > 0:
            handler.send_response(416)
            body = b""
        elif start:
            handler.send_response(206)
            handler.send_header("Content-Range", f"bytes {start}-{len(answer.body) - 1}/{len(answer.body)}")
        else:
            handler.send_response(answer.status)
        headers = {"Content-Length": len(body), "ETag": answer.etag} | answer.headers
        for name, value in headers.items():
            if value is not None:
                handler.send_header(name, str(value))
        handler.end_headers()
        sent = body[: answer.send]
        step = -(-len(sent) // answer.pieces) or 1
        for start in range(0, len(sent), step):
            handler.wfile.write(sent[start : start + step])
            self.released.wait(answer.pause)
        if answer.stall == "after":
            handler.wfile.flush()
            self.released.wait(20)

    @staticmethod
    def range_start(handler, answer):
        asked, condition = handler.headers.get("Range"), handler.headers.get("If-Range")
        if not asked or not answer.ranges or answer.status != 200 or condition not in (None, answer.etag):
            return 0
        return int(asked.removeprefix("bytes=").rstrip("-"))

    def asked_ranges(self):
        return [headers.get("Range") for _, headers in self.requests]

    def close(self):
        self.released.set()
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()
