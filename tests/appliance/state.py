"""The state directory: files for clients and shell scripts."""

import base64
import os


def write(directory, name, text, mode=0o600):
    """Write a file completely or not at all."""
    path = os.path.join(directory, name)
    fd = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(fd, "w", encoding="utf-8") as f:
        f.write(text)
    os.rename(path + ".new", path)


def read(directory, name):
    """The text of a file without its line end, None if the file is missing."""
    try:
        with open(os.path.join(directory, name), encoding="utf-8") as f:
            return f.read().rstrip("\n")
    except FileNotFoundError:
        return None


def remove(directory, *names):
    for name in names:
        try:
            os.unlink(os.path.join(directory, name))
        except FileNotFoundError:
            pass


def new_secret():
    """In the form of real ones: base64, with the characters that a client must not
    percent-encode."""
    while True:
        secret = base64.b64encode(os.urandom(32)).decode()
        if "+" in secret and "/" in secret:
            return secret


def quoted(text):
    return "'%s'" % text.replace("'", "'\\''")


def env(directory, host, client_id):
    """Lines that a shell can read with '.'."""
    def path(name):
        return quoted(os.path.join(directory, name))

    return ("PRAIC_HOST=%s\nPRAIC_CA=%s\nPRAIC_CLIENT_ID=%s\n"
            "PRAIC_SECRET_FILE=%s\nPRAIC_APPLIANCE=%s\n" % (
                quoted(host), path("ca.pem"), quoted(client_id),
                path("secret"), quoted(directory)))
