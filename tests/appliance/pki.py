"""A certificate authority and a server certificate, made with openssl(1).

For loopback only: the CA's key stays in the state directory so that a restarted
appliance keeps its CA.
"""

import base64
import datetime
import hashlib
import os
import ssl
import subprocess
import tempfile

KINDS = ("ok", "wrong-host", "self-signed", "expired", "other-ca")


def _openssl(*args, text=None):
    done = subprocess.run(("openssl",) + args, input=text, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        raise OSError("openssl %s: %s" % (args[0], done.stderr.strip()))
    return done.stdout


def _key(path):
    _openssl("genpkey", "-algorithm", "EC", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-out", path)
    os.chmod(path, 0o600)


def _authority(cert, key, name):
    _key(key)
    _openssl("req", "-x509", "-new", "-key", key, "-days", "30", "-subj",
             "/O=praic tests/CN=%s" % name, "-addext",
             "basicConstraints=critical,CA:TRUE", "-addext",
             "keyUsage=critical,keyCertSign,cRLSign", "-out", cert)


def _issue(base, ca, subject, extensions, days):
    """base.key and base.pem, signed by the CA ca.pem/ca.key.

    days: until it expires; a negative number means that it has expired.  Only
    openssl-ca(1) accepts dates in all versions: x509 -days refuses negative
    numbers since 3.5, and has -not_after only since 3.4.
    """
    _key(base + ".key")
    _openssl("req", "-new", "-key", base + ".key", "-subj", subject,
             "-out", base + ".csr")
    now = datetime.datetime.now(datetime.timezone.utc)
    since = now - datetime.timedelta(days=30 if days < 0 else 0)
    until = now + datetime.timedelta(days=days)
    with tempfile.TemporaryDirectory() as d:
        config = os.path.join(d, "conf")
        with open(config, "w", encoding="ascii") as f:
            f.write("[ca]\ndefault_ca = c\n[c]\ndatabase = %s/index\n"
                    "new_certs_dir = %s\ndefault_md = sha256\npolicy = p\n"
                    "rand_serial = yes\n"
                    "[p]\ncommonName = supplied\n[ext]\n%s\n" %
                    (d, d, "\n".join(extensions)))
        open(os.path.join(d, "index"), "w").close()
        _openssl("ca", "-batch", "-notext", "-config", config, "-extensions",
                 "ext", "-cert", ca + ".pem", "-keyfile",
                 ca + ".key", "-startdate", since.strftime("%Y%m%d%H%M%SZ"),
                 "-enddate", until.strftime("%Y%m%d%H%M%SZ"), "-in",
                 base + ".csr", "-out", base + ".pem")
    os.unlink(base + ".csr")


def make(directory, kind, names, client):
    """Write ca.pem, server.pem and server.key, pin, and client.pem/.key.

    names: more host names and addresses for the certificate than those of
    localhost.  An existing CA is kept.
    """
    def path(name):
        return os.path.join(directory, name)

    if not (os.path.exists(path("ca.pem")) and os.path.exists(path("ca.key"))):
        _authority(path("ca.pem"), path("ca.key"), "test CA")
    ca = path("ca")
    if kind == "other-ca":
        ca = path("other-ca")
        _authority(ca + ".pem", ca + ".key", "a CA that nobody knows")
    san = ["DNS:not-this-host.example"] if kind == "wrong-host" else \
        ["DNS:localhost", "IP:127.0.0.1", "IP:::1"] + [
            ("IP:" if n.replace(".", "").isdigit() or ":" in n else "DNS:") + n
            for n in names]
    subject = "/CN=" + (names[0] if names else "localhost")
    if kind == "self-signed":
        _key(path("server.key"))
        _openssl("req", "-x509", "-new", "-key", path("server.key"), "-days",
                 "30", "-subj", subject, "-addext", "subjectAltName=" +
                 ",".join(san), "-out", path("server.pem"))
    else:
        _issue(path("server"), ca, subject,
               ("subjectAltName=" + ",".join(san),
                "basicConstraints=CA:FALSE", "extendedKeyUsage=serverAuth"),
               -1 if kind == "expired" else 30)
    with open(path("pin"), "w", encoding="ascii") as f:
        f.write("sha256//%s\n" % _pin(path("server.pem")))
    if client and not os.path.exists(path("client.pem")):
        _issue(path("client"), path("ca"), "/CN=test client",
               ("extendedKeyUsage=clientAuth",), 30)


def _pin(cert):
    """base64 of the SHA-256 of the public key, in curl's form."""
    public = _openssl("x509", "-in", cert, "-pubkey", "-noout")
    return base64.b64encode(hashlib.sha256(base64.b64decode(
        "".join(public.split("\n")[1:-2]))).digest()).decode()


VERSIONS = {"1.1": ssl.TLSVersion.TLSv1_1, "1.2": ssl.TLSVersion.TLSv1_2,
            "1.3": ssl.TLSVersion.TLSv1_3}


def context(directory, only, client):
    """The server's TLS; only: one of VERSIONS, or None for 1.2 and later."""
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.minimum_version = ssl.TLSVersion.TLSv1_2
    if only == "1.1":       # for tests that clients refuse it
        c.set_ciphers("DEFAULT:@SECLEVEL=0")
    if only:
        c.minimum_version = c.maximum_version = VERSIONS[only]
    c.load_cert_chain(os.path.join(directory, "server.pem"),
                      os.path.join(directory, "server.key"))
    if client:
        c.verify_mode = ssl.CERT_REQUIRED
        c.load_verify_locations(os.path.join(directory, "ca.pem"))
    return c
