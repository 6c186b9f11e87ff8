"""A plain HTTP/1.1 client: one socket, one request at a time, as little of its own time as possible."""
import json
import socket


class Client:
    def __init__(self, port, timeout=30):
        self.port, self.timeout, self.socket = port, timeout, None

    def _connect(self):
        self.socket = socket.create_connection(("127.0.0.1", self.port), self.timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None

    def request(self, method, path, body=b""):
        """Sends a request; answers with the status and the body."""
        head = (f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n")
        fresh = self.socket is None
        if fresh:
            self._connect()
        try:
            self.socket.sendall(head.encode() + body)
            return self._answer()
        except (ConnectionError, EOFError):
            # A server may close a connection that was idle. Once more, on a new one.
            self.close()
            if fresh:
                raise
            return self.request(method, path, body)

    def _answer(self):
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._receive()
        head, _, rest = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split()[1])
        headers = {key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in lines[1:])}
        if headers.get("transfer-encoding") == "chunked":
            return status, self._chunked(rest)
        length = int(headers.get("content-length", 0))
        parts, received = [rest], len(rest)
        while received < length:
            parts.append(self._receive())
            received += len(parts[-1])
        if headers.get("connection") == "close":
            self.close()
        return status, b"".join(parts)

    def _chunked(self, data):
        body = b""
        while True:
            while b"\r\n" not in data:
                data += self._receive()
            size, _, data = data.partition(b"\r\n")
            size = int(size, 16)
            while len(data) < size + 2:
                data += self._receive()
            body, data = body + data[:size], data[size + 2:]
            if size == 0:
                return body

    def _receive(self):
        data = self.socket.recv(1 << 18)
        if not data:
            raise EOFError("the server closed the connection")
        return data

    def call(self, path, event):
        """Posts an event; answers with the status and the parsed body, or its text if it is not JSON."""
        status, body = self.request("POST", path, json.dumps(event).encode())
        try:
            return status, json.loads(body)
        except ValueError:
            return status, body.decode(errors="replace")
