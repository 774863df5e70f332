"""Python's own http.server as a server of the matrix. Prints its port once it listens."""

import hashlib
import http.server
import json

LARGE = b"squall " * 600_000
SMALL = b'{"state":"queued"}'


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, **fields):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def read(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while length := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(length))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def do_GET(self):
        if self.path == "/small":
            self.answer(200, SMALL)
        elif self.path == "/large":
            self.answer(200, LARGE)
        elif self.path == "/redirect":
            self.answer(302, b"", Location="/small")
        elif self.path == "/connection":
            self.answer(200, str(self.client_address[1]).encode())
        else:
            self.send_error(404)

    do_HEAD = do_GET

    def do_POST(self):
        body = self.read()
        port = str(self.server.server_address[1])
        fields = [[name, value] for name, value in self.headers.items() if name.lower() != "host"]
        seen = [self.command, self.path, fields, len(body), hashlib.sha256(body).hexdigest()]
        self.answer(201, json.dumps(seen).replace(port, "PORT").encode())


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
