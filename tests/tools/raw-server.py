"""HTTPS whose answers are the bytes of files, whatever they are: for manners
that a server of any library would not have.

    raw-server.py DIRECTORY [ADDRESS]		127.0.0.1 unless told

DIRECTORY has cert.pem (certificate and key).  `port' comes when it listens.
A call of /oauth2/token is answered with the file token, any other with the
file answer.  Each connection is for one call.  Where there is a file hold, it
is kept open for so many seconds behind the answer; where there is a file
abrupt, it is cut without TLS's farewell, and if numbers are in it, so many
bytes too early, one number a call.  A call whose target has a word of the
file gone in it is answered with 404.  It ends with its parent.
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
    """The target of the request, which is read to its end."""
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
    """How much the next answer is cut by: the first number of abrupt."""
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
