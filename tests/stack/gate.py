"""A gate in front of a simulated vendor: what comes is passed on, until it is told to turn a caller away, or to be slow."""

import http.client
import http.server
import threading
import time
from urllib.parse import urlsplit


class Gate:
    def __init__(self, url):
        self.upstream = urlsplit(url)
        self.wait_seconds, self.turned_away, self.slow_seconds = None, 0, 0
        gate = self

        class Passing(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                gate.answer(self)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Passing)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def ask_for_a_wait(self, seconds):
        """The next caller is turned away and told when to come again; those after it pass."""
        self.wait_seconds = seconds

    def be_slow(self, seconds):
        """The next answer takes so long; those after it come at once."""
        self.slow_seconds = seconds

    def answer(self, call):
        slow_seconds, self.slow_seconds = self.slow_seconds, 0
        time.sleep(slow_seconds)
        seconds, self.wait_seconds = self.wait_seconds, None
        if seconds is not None:
            self.turned_away += 1
            call.send_response(429)
            call.send_header("retry-after", str(seconds))
            call.send_header("content-length", "0")
            call.end_headers()
            return
        upstream = http.client.HTTPConnection(self.upstream.hostname, self.upstream.port, timeout=60)
        headers = {name: value for name, value in call.headers.items() if name.lower() not in ("connection", "host")}
        upstream.request("GET", call.path, headers=headers)
        answer = upstream.getresponse()
        content = answer.read()
        upstream.close()
        call.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                call.send_header(name, value)
        call.send_header("content-length", str(len(content)))
        call.end_headers()
        call.wfile.write(content)
