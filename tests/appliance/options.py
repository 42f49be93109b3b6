"""The options of a server; some of them can be changed at run time."""

import argparse
import re

import faults
import media
import pki
import report

EPILOG = """\
The appliance listens on 127.0.0.1 and ::1 only. The state directory has
everything that a client needs: ca.pem (the certificate authority), client-id,
secret, port, and env, which a shell can read with '.'; `pin' is the server's
public key in curl's form. `log' gets a JSON object for each request. `ready' is
made last, when the appliance answers requests. A directory that was used before
keeps its CA, client id and secret.

Other verbs:
  control    change the clock, faults, sessions of a running appliance
  faults     list the faults
  generate   write a session report to standard output, without a server
Each has its own --help.

examples:
  python3 tests/appliance
  python3 tests/appliance --sessions 5000 --span 90 --product rs
  python3 tests/appliance --dir /tmp/pra --now 1767225600 --clock fixed \\
          --fault 'rate-limit times=2 form=date' --fault 'reset every=5'
"""


def size(text):
    """Bytes: 500, 64K, 1.5M, 2G."""
    m = re.fullmatch(r"(\d+(?:\.\d+)?)([KMG]?)i?B?", text, re.I)
    if not m:
        raise argparse.ArgumentTypeError("%s: no size (such as 64K, 2M)" % text)
    return int(float(m[1]) * 1024 ** " KMG".index(m[2].upper() or " "))


def sizes(text):
    """SIZE, or LEAST-MOST."""
    least, dash, most = text.partition("-")
    least = size(least)
    most = size(most) if dash else least
    if most < least or least < 64:
        raise argparse.ArgumentTypeError("%s: at least 64, least first" % text)
    return least, most


def a_fault(text):
    try:
        faults.Fault(0, text, 0)
    except ValueError as e:
        raise argparse.ArgumentTypeError(str(e)) from None
    return text


def world_options(p):
    """The options that describe sessions, for a server and for generate."""
    g = p.add_argument_group("sessions")
    g.add_argument("--seed", type=int, default=1, metavar="K",
                   help="the same seed gives the same sessions and recordings "
                        "(default 1)")
    g.add_argument("--end", type=int, metavar="UNIX",
                   help="the time around which the last sessions end; if it is "
                        "later than --now, new sessions appear as the clock "
                        "runs (default: --now)")
    g.add_argument("--span", type=float, default=30, metavar="DAYS",
                   help="they are in this number of days before --end (default "
                        "30)")
    g.add_argument("--product", choices=("pra", "rs"), default="pra",
                   help="Privileged Remote Access, or Remote Support with its "
                        "report names and elements (default pra)")
    g.add_argument("--site", default="pra.example.net", metavar="HOST",
                   help="the site's name in the addresses of reports (default "
                        "pra.example.net)")
    g.add_argument("--dirty", type=int, default=0, metavar="N",
                   help="each N-th session has window titles with characters "
                        "that XML forbids")
    g.add_argument("--namespace", default="live", metavar="NAME",
                   help="live, docs, old, none, or an URI (default live)")
    g.add_argument("--order", choices=report.ORDER_NAMES, default="live",
                   help="order of a session's elements (default live)")
    return g


def parser():
    p = argparse.ArgumentParser(
        prog="python3 tests/appliance", epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="A PRA appliance on loopback, for tests and by hand: "
                    "tokens, reports, recordings, backups, and faults on "
                    "demand.")
    g = world_options(p)
    g.add_argument("--sessions", type=int, default=200, metavar="N",
                   help="number of sessions (default 200)")
    g.add_argument("--late", type=int, default=0, metavar="SECONDS",
                   help="reports show some sessions late, by up to this")

    g = p.add_argument_group("server")
    g.add_argument("--dir", metavar="DIR",
                   help="state directory (default: one below $TMPDIR, removed "
                        "at the end)")
    g.add_argument("--port", type=int, default=0, metavar="N",
                   help="port (default: a free one)")
    g.add_argument("--name", action="append", default=[], metavar="HOST",
                   help="another name or address for the certificate; may be "
                        "repeated")
    g.add_argument("--certificate", choices=pki.KINDS, default="ok",
                   help="the fault of the certificate (default ok)")
    g.add_argument("--client-certificate", action="store_true",
                   help="require one of clients; client.pem and client.key are "
                        "made for them")
    g.add_argument("--tls", choices=tuple(pki.VERSIONS),
                   help="only this version (default: 1.2 and 1.3)")
    g.add_argument("--exit-with-parent", action="store_true",
                   help="end when the process that started this one has ended")
    g.add_argument("-q", "--quiet", action="store_true",
                   help="print nothing")
    g.add_argument("--fault", action="append", default=[], type=a_fault,
                   metavar="'NAME [OPTION=VALUE]...'",
                   help="a fault from the start (see the verb faults); may be "
                        "repeated")

    g = p.add_argument_group("clock")
    g.add_argument("--now", type=int, metavar="UNIX",
                   help="the appliance's time at the start "
                        "(default: the real time)")
    g.add_argument("--clock", choices=("run", "fixed"), default="run",
                   help="whether the clock runs (default run)")
    g.add_argument("--clock-offset", type=int, default=0, metavar="SECONDS",
                   help="the clock is wrong by this")

    g = p.add_argument_group("accounts")
    g.add_argument("--client-id", metavar="ID",
                   help="the API account (default: made from the seed)")
    g.add_argument("--token-life", type=int, default=1799, metavar="SECONDS",
                   help="expires_in of tokens (default 1799)")
    g.add_argument("--deny", action="append", default=[], metavar="WHAT",
                   help="no permission for this report, or `backup', or "
                        "`command'; may be repeated")
    g.add_argument("--deny-status", type=int, choices=(403, 404), default=404,
                   help="the status for that (default 404, Document Not Found)")
    g.add_argument("--rate", type=int, default=0, metavar="N",
                   help="429 above N requests a second (default: no limit)")

    g = p.add_argument_group("behaviour")
    g.add_argument("--language", choices=("en", "fr", "de"), default="en",
                   help="language of refusals and empty reports (default en)")
    g.add_argument("--retention", type=float, default=90, metavar="DAYS",
                   help="older sessions are deleted and their recordings "
                        "expired (default 90)")
    g.add_argument("--recording-retention", type=float, metavar="DAYS",
                   help="recordings expire earlier than their sessions")
    g.add_argument("--recording-size", type=sizes, default=(65536, 262144),
                   metavar="SIZE[-SIZE]",
                   help="size of recordings (default 64K-256K)")
    g.add_argument("--container", choices=tuple(media.TYPES), default="flv",
                   help="file format of recordings (default flv)")
    g.add_argument("--backup-size", type=size, default=300000, metavar="SIZE",
                   help="size of a site backup (default 300000)")
    g.add_argument("--first-byte", type=float, default=0, metavar="SECONDS",
                   help="delay before the first byte of recordings")
    g.add_argument("--chunked", nargs="?", const="all", default="none",
                   choices=("none", "recordings", "reports", "all"),
                   help="send chunked, without a Content-Length (default none; "
                        "without an argument all)")
    g.add_argument("--ranges", action="store_true",
                   help="recordings support ETag, Range and If-Range")
    g.add_argument("--strict-close", action="store_true",
                   help="reset a connection that is used for a second request")
    g.add_argument("--window-limit", type=int, default=0, metavar="SECONDS",
                   help="requests for longer spans fail")
    g.add_argument("--size-limit", type=int, default=0, metavar="SESSIONS",
                   help="reports of more sessions fail")
    g.add_argument("--limit-answer", default="504",
                   choices=("504", "500", "error", "reset", "close"),
                   help="the answer to these (default 504)")
    g.add_argument("--limit-delay", type=float, default=0, metavar="SECONDS",
                   help="the delay of that answer")
    return p


def _yes(text):
    return text.lower() in ("1", "yes", "true", "on")


def _days(text):
    return None if text == "none" else float(text)


# The properties that `control set NAME VALUE' can change, and the parser of VALUE.
CHANGEABLE = {
    "language": str, "namespace": str, "order": str, "retention": float,
    "recording-retention": _days, "first-byte": float, "chunked": str,
    "ranges": _yes, "strict-close": _yes, "window-limit": int,
    "size-limit": int, "limit-answer": str, "limit-delay": float,
    "token-life": int, "deny-status": int, "rate": int, "backup-size": size,
}


def change(options, name, text):
    """Set one of CHANGEABLE; raises ValueError with a message."""
    if name not in CHANGEABLE:
        raise ValueError("%s cannot be set; these can: %s"
                         % (name, ", ".join(CHANGEABLE)))
    try:
        value = CHANGEABLE[name](text)
    except (ValueError, argparse.ArgumentTypeError):
        raise ValueError("%s: %s: no such value" % (name, text)) from None
    for action in parser()._actions:        # its choices, if it has any
        if "--" + name in action.option_strings and action.choices \
                and value not in action.choices:
            raise ValueError("%s: one of %s" % (
                name, ", ".join(map(str, action.choices))))
    setattr(options, name.replace("-", "_"), value)
