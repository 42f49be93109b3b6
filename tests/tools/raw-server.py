"""An HTTPS server that answers with the bytes of files, for answers that no server
library would send.

    raw-server.py DIRECTORY [ADDRESS]		default: 127.0.0.1

DIRECTORY has cert.pem (certificate and key).  The server writes `port' when it
listens.  It answers a request of /oauth2/token with the file token, any other
with the file answer.  Each connection serves one request.  If there is a file
hold, the connection stays open for that number of seconds after the answer.  If
there is a file abrupt, the connection is closed without ending TLS; numbers in
the file, one for each request, say how many bytes are left out at the end.  A
request whose target contains a word of the file gone is answered with 404.  The
server ends with its parent.
"""

import os
import socket
import ssl
import sys
import threading
import time


GONE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


def read(directory, name):
    try:
        with open(os.path.join(directory, name), "rb") as f:
            return f.read()
    except FileNotFoundError:
        return None


def request(tls):
    """Read a request; its target."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = tls.recv(65536)
        if not more:
            return None
        data += more
    head, body = data.split(b"\r\n\r\n", 1)
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, value = line.split(b":", 1)
        if name.lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        body += tls.recv(65536)
    return head.split(b" ")[1].decode()


def missing(directory):
    """The number of bytes that the next answer lacks: the first number of abrupt."""
    numbers = (read(directory, "abrupt") or b"").split()
    if not numbers:
        return 0
    with open(os.path.join(directory, "abrupt"), "wb") as f:
        f.write(b" ".join(numbers[1:]))
    return int(numbers[0])


def serve(directory, context, connection):
    try:
        tls = context.wrap_socket(connection, server_side=True)
        target = request(tls)
        if target is None:
            return
        answer = read(directory, "token" if target == "/oauth2/token" else "answer")
        if any(word in target for word in (read(directory, "gone") or b"").decode().split()):
            answer = GONE
        elif target != "/oauth2/token":
            answer = answer[:len(answer) - missing(directory)]
        tls.sendall(answer)
        hold = read(directory, "hold")
        if hold is not None and target != "/oauth2/token":
            time.sleep(float(hold))
        if read(directory, "abrupt") is None or target == "/oauth2/token":
            tls.unwrap()
        else:
            tls.shutdown(socket.SHUT_RDWR)
    except (OSError, ValueError):
        pass
    finally:
        connection.close()


def watch(parent):
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


def main():
    directory = sys.argv[1]
    address = sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(directory, "cert.pem"))
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family)
    listener.bind((address, 0))
    listener.listen(32)
    threading.Thread(target=watch, args=(os.getppid(),), daemon=True).start()
    with open(os.path.join(directory, "port.new"), "w", encoding="ascii") as f:
        f.write("%d\n" % listener.getsockname()[1])
    os.rename(os.path.join(directory, "port.new"), os.path.join(directory, "port"))
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(directory, context, connection),
                         daemon=True).start()


main()
