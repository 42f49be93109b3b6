"""Control of a running appliance: /_control, and the command that calls it.

The server accepts JSON {"do": NAME, ...} with the key of DIR/control-key in the
header X-Control-Key, and answers in JSON. The command trusts only the
certificate in DIR itself, so that it works with faulty certificates.
"""

import argparse
import hmac
import http.client
import json
import os
import shlex
import ssl
import sys

# Modules that only the server needs are imported there: scripts call the command
# often, and it must start fast.

# the server's side


def _clock(app, a):
    if a.get("set") is not None:
        app.clock.set(str(a["set"]))
    return {"now": app.clock.now(),
            "mode": "run" if app.clock.standing is None else "fixed"}


def _faults(app, a):
    out = {}
    if a.get("clear"):
        out["cleared"] = app.faults.clear(a.get("which"))
    if a.get("add"):
        out["number"] = app.faults.add(a["add"])
    return out or app.faults.state()


def _add(app, a):
    now = app.clock.now()
    start = a.get("start")
    start = now if start is None else start
    out = []
    for i in range(a.get("count", 1)):
        s = app.world.add(start + i, a.get("length"),
                          a.get("lsid") if i == 0 else None,
                          not a.get("abnormal"), a.get("events"),
                          not a.get("unrecorded"), a.get("lag", 0))
        out.append(s.lsid)
    return {"lsids": out}


def _end(app, a):
    when = a.get("when")
    app.world.end(a["lsid"], app.clock.now() if when is None else when,
                  not a.get("abnormal"))
    return {"lsid": a["lsid"]}


def _truth(app, a):
    return app.truth(a.get("at"), a.get("hashes", True))


def _tokens(app, a):
    if a.get("forget"):
        app.tokens.forget()
    with app.tokens.lock:
        return {"taken": app.tokens.count, "valid": len(app.tokens.valid)}


def _secret(app, a):
    app.secret = a["secret"]
    app.tokens.forget()
    return {"secret": "changed"}


def _deny(app, a):
    o = app.options
    o.deny = [d for d in o.deny if d.lower() != a["what"].lower()]
    if a["deny"]:
        o.deny.append(a["what"])
    return {"deny": o.deny}


def _set(app, a):
    import options
    options.change(app.options, a["name"], a["value"])
    return {a["name"]: a["value"]}


VERBS = {"clock": _clock, "fault": _faults, "add": _add, "end": _end,
         "truth": _truth, "tokens": _tokens, "secret": _secret, "deny": _deny,
         "set": _set}


def serve(app, key, request):
    """Answer a request for /_control."""
    from answer import json_answer
    if not hmac.compare_digest(request.headers.get("X-Control-Key", ""), key):
        return json_answer(403, {"error": "the key is in DIR/control-key"})
    try:
        asked = json.loads(request.body or b"{}")
        return json_answer(200, VERBS[asked["do"]](app, asked))
    except KeyError as e:
        return json_answer(400, {"error": "no such thing: %s" % e})
    except (ValueError, TypeError) as e:
        return json_answer(400, {"error": str(e)})


# the command's side

def ask(directory, what):
    """Send one request and return the value. Raises OSError with a message."""
    def read(name):
        with open(os.path.join(directory, name), encoding="ascii") as f:
            return f.read().strip()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE     # the certificate is compared below
    context.set_ciphers("DEFAULT:@SECLEVEL=0")      # for --tls 1.1
    context.minimum_version = ssl.TLSVersion.TLSv1_1
    if os.path.exists(os.path.join(directory, "client.pem")):
        context.load_cert_chain(os.path.join(directory, "client.pem"),
                                os.path.join(directory, "client.key"))
    c = http.client.HTTPSConnection("127.0.0.1", int(read("port")),
                                    timeout=300, context=context)
    c.connect()
    if ssl.DER_cert_to_PEM_cert(c.sock.getpeercert(True)).strip() \
            != read("server.pem"):
        raise OSError("another server listens on its port")
    c.request("POST", "/_control", json.dumps(what), {
        "X-Control-Key": read("control-key"), "Connection": "close",
        "Content-Type": "application/json"})
    answer = c.getresponse()
    value = json.loads(answer.read())
    if answer.status != 200:
        raise OSError(value.get("error", "status %d" % answer.status))
    return value


def parser():
    p = argparse.ArgumentParser(
        prog="python3 tests/appliance control",
        description="Change a running appliance, or print its data.")
    p.add_argument("--dir", metavar="DIR",
                   default=os.environ.get("PRAIC_APPLIANCE"),
                   help="its state directory (default: $PRAIC_APPLIANCE, "
                        "which DIR/env sets)")
    verbs = p.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name, text):
        return verbs.add_parser(name, help=text, description=text)

    v = verb("clock", "show or set the clock")
    v.add_argument("set", nargs="?", metavar="UNIX|+N|-N|run|fixed")
    v = verb("fault", "add a fault, set one alone, clear faults, list all")
    v.add_argument("what", choices=("add", "set", "clear", "list"))
    v.add_argument("words", nargs="*", metavar="NAME|NUMBER|OPTION=VALUE")
    v = verb("add", "add sessions; prints their lsids")
    v.add_argument("count", nargs="?", type=int, default=1)
    v.add_argument("--start", type=int, metavar="UNIX", help="default: now; "
                   "each following one begins a second later")
    v.add_argument("--length", type=int, metavar="SECONDS",
                   help="default: open until ended")
    v.add_argument("--lsid", help="default: random")
    v.add_argument("--events", type=int, help="approximate number of events")
    v.add_argument("--lag", type=int, default=0, metavar="SECONDS",
                   help="delay of reports")
    v.add_argument("--abnormal", action="store_true",
                   help="the session never gets an end time")
    v.add_argument("--unrecorded", action="store_true")
    v = verb("end", "end a session")
    v.add_argument("lsid")
    v.add_argument("when", nargs="?", type=int, metavar="UNIX",
                   help="default: now")
    v.add_argument("--abnormal", action="store_true")
    v = verb("truth", "the sessions as reports show them now, by start time")
    v.add_argument("--at", type=int, metavar="UNIX", help="at this time instead")
    v.add_argument("--form", choices=("json", "sessions", "recordings"),
                   default="json", help="JSON, or lines with TABs: lsid state "
                   "start end events users recordings; or lsid kind instance "
                   "size sha256 (- for none)")
    v.add_argument("--no-hashes", dest="hashes", action="store_false",
                   help="save the time for sha256")
    v = verb("tokens", "print how many tokens were issued and are valid")
    v.add_argument("--forget", action="store_true", help="make them invalid first")
    verb("secret", "make a new client secret, in DIR/secret; all tokens become invalid")
    for name in ("deny", "allow"):
        v = verb(name, "%s a report, backup or command" % name)
        v.add_argument("what")
    v = verb("set", "change an option; a wrong NAME lists them")
    v.add_argument("name")
    v.add_argument("value")
    return p


def lines(value, form):
    """The truth as lines for sort, cut, join and diff."""
    for s in value:
        if form == "sessions":
            yield (s["lsid"], s["state"], s["start_time"], s["end_time"],
                   s["events"], s["users"], len(s["recordings"]))
        else:
            for r in s["recordings"]:
                yield s["lsid"], r["kind"], r["instance"], r["size"], r["sha256"]


def main(arguments):
    a = parser().parse_args(arguments)
    if not a.dir:
        parser().error("--dir DIR is needed")
    what = {"do": a.verb, **{k: v for k, v in vars(a).items()
                             if k not in ("verb", "dir")}}
    if a.verb == "fault":
        new = a.what in ("add", "set")
        what = {"do": "fault", "clear": a.what in ("clear", "set"),
                "add": (a.words[0] if len(a.words) == 1
                        else shlex.join(a.words)) if new else None,
                "which": a.words[0] if a.words and not new else None}
        if new and not a.words:
            parser().error("which fault?")
    elif a.verb in ("deny", "allow"):
        what = {"do": "deny", "what": a.what, "deny": a.verb == "deny"}
    elif a.verb == "secret":
        import state
        what["secret"] = state.new_secret()
    elif a.verb == "truth":
        what["hashes"] = a.hashes and a.form != "sessions"
    try:
        value = ask(a.dir, what)
        if a.verb == "secret":
            state.write(a.dir, "secret", what["secret"] + "\n")
    except (OSError, ValueError) as e:
        print("appliance control: %s: %s" % (a.dir, e), file=sys.stderr)
        return 1
    if a.verb == "truth" and a.form != "json":
        text = "".join(["\t".join(["-" if x is None else str(x) for x in row])
                        + "\n" for row in lines(value, a.form)])
    elif a.verb == "add":
        text = "\n".join(value["lsids"]) + "\n"
    else:
        text = json.dumps(value, indent=1, ensure_ascii=False) + "\n"
    try:
        sys.stdout.write(text)
        sys.stdout.close()
    except BrokenPipeError:
        pass                # the pipe is closed
    return 0
