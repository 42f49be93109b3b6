"""HTTP/1.1 over TLS: reads requests, sends answers as Answer describes."""

import errno
import json
import os
import socket
import struct
import threading
import time
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from urllib.parse import urlsplit

import control
from appliance import Request, parameters

LONGEST_BODY = 1 << 20      # of a request
IDLE = 120                  # seconds until a silent client is dropped
RESET = struct.pack("ii", 1, 0)


class Gone(Exception):
    """The connection has ended, on purpose or not."""


class Log:
    """The log: one JSON object per line; each line is written completely."""

    def __init__(self, path):
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, **what):
        line = json.dumps(what, ensure_ascii=False) + "\n"
        os.write(self.fd, line.encode("utf-8", "surrogatepass"))


class Server(ThreadingMixIn, TCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    connections = 0
    counting = threading.Lock()

    def __init__(self, address, family, app, context, log, key):
        self.address_family = family
        self.app, self.context, self.log, self.key = app, context, log, key
        self.stopping = threading.Event()
        super().__init__(address, Handler, bind_and_activate=False)
        if family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            self.server_bind()
            self.server_activate()
        except OSError:
            self.server_close()
            raise

    def finish_request(self, request, client_address):
        with Server.counting:
            Server.connections += 1
            number = Server.connections
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        request.settimeout(IDLE)
        try:
            tls = self.context.wrap_socket(request, server_side=True)
        except (OSError, ValueError) as e:
            self.log.write(time=round(time.time(), 3), connection=number,
                           tls_error=getattr(e, "reason", None) or str(e))
            return
        try:
            Handler(tls, client_address, self, number)
        except (OSError, Gone):
            pass
        finally:
            _farewell(tls)

    def handle_error(self, request, client_address):
        import traceback
        self.log.write(time=round(time.time(), 3),
                       crash=traceback.format_exc())


def _farewell(tls):
    """close_notify, then FIN; the client must receive both."""
    try:
        tls.setblocking(False)
        tls.unwrap()
    except (OSError, ValueError):
        pass
    try:
        tls.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    tls.close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 0

    def __init__(self, tls, client_address, server, number):
        self.app, self.number, self.served = server.app, number, 0
        super().__init__(tls, client_address, server)

    def do_GET(self):
        self.sent, self.began = 0, time.time()
        url = urlsplit(self.path)
        body = self._body()
        self.served += 1
        if self.served > 1 and self.app.options.strict_close \
                and url.path != "/_control":
            self._log(url.path, {}, 0, None, ["strict-close"])
            self._reset()
        kind = self.headers.get("Content-Type", "")
        request = Request(self.command, self.path, url.path,
                          parameters(url.query, kind, body), self.headers,
                          body)
        self.close_connection = "close" in \
            self.headers.get("Connection", "").lower() \
            or self.request_version == "HTTP/1.0"
        if url.path == "/_control":
            self._send(control.serve(self.app, self.server.key, request))
            return
        answer, faults = self.app.respond(request)
        try:
            self._send(answer)
        finally:
            self._log(url.path, request.params,
                      0 if answer.mute else answer.status, answer.token,
                      faults)

    do_POST = do_HEAD = do_PUT = do_GET

    def _body(self):
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            raise Gone("no chunked requests")
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > LONGEST_BODY:
            raise Gone("a body of %s bytes" % length)
        if int(length) and "100-continue" in \
                self.headers.get("Expect", "").lower():
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return self.rfile.read(int(length))

    def _log(self, path, params, status, token, faults):
        h = self.headers
        self.server.log.write(
            time=round(time.time(), 3), clock=self.app.clock.now(),
            seconds=round(time.time() - self.began, 3),
            connection=self.number, method=self.command, path=path,
            target=self.path, parameters=params, range=h.get("Range"),
            if_range=h.get("If-Range"), connection_header=h.get("Connection"),
            content_type=h.get("Content-Type"), host=h.get("Host"),
            status=status, bytes=self.sent, token=token, fault=faults)

    def _reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        # no close_notify: the client gets only the kernel's RST
        socket.socket(fileno=self.connection.detach()).close()
        raise Gone("reset")

    def _wait(self, seconds):
        """Sleep, but not longer than the server runs."""
        if seconds and self.server.stopping.wait(seconds):
            raise Gone("the server ends")

    def _send(self, a):
        self._wait(a.wait)
        if a.mute:
            if a.mute == "reset":
                self._reset()
            raise Gone("not one byte")
        chunked = a.chunked or a.length is None
        if self.request_version == "HTTP/1.0":
            chunked, self.close_connection = False, True
        head = ["HTTP/1.1 %d %s" % (a.status, _phrase(a.status))]
        if a.date is not None:
            head.append("Date: " + formatdate(self.app.clock.now() + a.date,
                                              usegmt=True))
        head.append("Server: Apache")
        if a.type:
            head.append("Content-Type: " + a.type)
        head += ["%s: %s" % kv for kv in a.headers.items()]
        if chunked:
            head.append("Transfer-Encoding: chunked")
        elif a.length is not None:
            head.append("Content-Length: %d" % a.length)
        if self.close_connection:
            head.append("Connection: close")
        head = ("\r\n".join(head) + "\r\n\r\n").encode()
        if a.wait_body:
            self.wfile.write(head)
            head = b""
            self._wait(a.wait_body)
        if self.command == "HEAD":
            self.wfile.write(head)
            return
        for piece in _manner(a, self._wait):
            if not isinstance(piece, str):
                size = len(piece)
                if chunked:
                    piece = b"".join((b"%x\r\n" % size, piece, b"\r\n"))
                if head:
                    piece, head = head + piece, b""
                self._write(piece)
                self.sent += size
                continue
            if head:
                self._write(head)
            if piece == "reset":
                self._reset()
            raise Gone(piece)
        self._write(head + (b"0\r\n\r\n" if chunked else b""))

    def _write(self, piece):
        if piece:
            self.connection.sendall(piece)

    def log_message(self, format, *args):      # noqa: A002 (inherited name)
        pass


def _manner(a, wait):
    """The pieces of a body to send; "reset" or "close" ends it. Waits as the
    answer says."""
    sent = 0
    for piece in a.pieces:
        piece = memoryview(piece)
        while piece:
            size = len(piece)
            if a.drip:
                size = min(size, a.drip[0])
            if a.then and sent + size > a.stop:
                size = max(0, a.stop - sent)
                if size:
                    yield piece[:size]
                sent, piece = sent + size, piece[size:]
                if a.then != "stall":
                    yield a.then
                    return
                wait(a.pause)
                a.then = ""
                continue
            yield piece[:size]
            sent, piece = sent + size, piece[size:]
            if a.drip:
                wait(a.drip[1])
    if a.then in ("reset", "close"):    # a body shorter than that
        yield a.then


def _phrase(status):
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def listen(port, app, context, log, key):
    """Servers on the loopback addresses of this machine, with one port."""
    asked = port
    for _ in range(50):
        v4 = Server(("127.0.0.1", asked), socket.AF_INET, app, context, log,
                    key)
        app.port = v4.server_address[1]
        try:
            return [v4, Server(("::1", app.port), socket.AF_INET6, app,
                               context, log, key)]
        except OSError as e:
            if e.errno != errno.EADDRINUSE:
                return [v4]     # no IPv6 here
            # a client that tries ::1 first would reach another program
            v4.server_close()
            if asked:
                raise
    raise OSError("no port is free on both 127.0.0.1 and ::1")
