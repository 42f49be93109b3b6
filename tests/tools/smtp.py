"""An SMTP server for the tests of praic-mail: aiosmtpd (Debian's
python3-aiosmtpd) on loopback, with STARTTLS or TLS and a login if asked for.

    smtp.py DIR MODE [CERTIFICATE KEY]	MODE: plain, starttls, tls, nologin

Writes DIR/port when it listens.  Each accepted mail becomes DIR/N.eml (unchanged)
and DIR/N.env (sender, recipients, login).  Ends with the process that started it.
Refuses recipients by the local part of their address: nobody@ permanently, later@
for now, once...@ for now the first time; also the sender banned@, and mails that
contain "refuse this".
"""
import asyncio
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


class Box:
    """Accepts mails and stores them."""

    def __init__(self, directory):
        self.directory = directory
        self.count = 0
        self.seen = set()

    async def handle_MAIL(self, server, session, envelope, address, options):
        if address.startswith("banned@"):
            return "550 5.7.1 this sender may not"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 no such user"
        if address.startswith("later@"):
            return "451 4.7.1 greylisted, come again"
        if address.startswith("once") and address not in self.seen:
            self.seen.add(address)
            return "451 4.7.1 greylisted, come again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if b"refuse this" in envelope.original_content:
            return "554 5.6.0 the content is refused"
        self.count += 1
        name = os.path.join(self.directory, str(self.count))
        with open(name + ".env", "w", encoding="utf-8") as f:
            login = session.auth_data.login.decode() if session.auth_data else "-"
            f.write(f"{envelope.mail_from} {','.join(envelope.rcpt_tos)} {login} "
                    f"{'tls' if server.transport.get_extra_info('sslcontext') else 'clear'}\n")
        with open(name + ".hello", "w", encoding="utf-8") as f:
            f.write(f"{session.host_name}\n")
        with open(name + ".new", "wb") as f:
            f.write(envelope.original_content)
        os.rename(name + ".new", name + ".eml")
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    good = data.login == b"praic" and data.password == "pässwörd".encode()
    return AuthResult(success=good, handled=False, auth_data=data if good else None)


async def serve(directory, mode, certificate):
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
    box = Box(directory)
    login = mode in ("starttls", "tls")

    def make():
        return SMTP(box, hostname="mail.test", tls_context=context if mode == "starttls" else None,
                    require_starttls=mode == "starttls", authenticator=authenticate,
                    auth_required=login, auth_require_tls=mode == "starttls")

    loop = asyncio.get_running_loop()
    server = await loop.create_server(make, "127.0.0.1", 0,
                                      ssl=context if mode == "tls" else None)
    path = os.path.join(directory, "port")
    with open(path + ".new", "w", encoding="ascii") as f:
        f.write(str(server.sockets[0].getsockname()[1]))
    os.rename(path + ".new", path)
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(0.5)


asyncio.run(serve(sys.argv[1], sys.argv[2], sys.argv[3:5]))
