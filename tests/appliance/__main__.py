"""A simulated PRA appliance on loopback. See README beside this file, and --help."""

import os
import shutil
import signal
import sys
import tempfile
import threading

sys.dont_write_bytecode = sys.pycache_prefix is None    # nothing beside the sources
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

PARENT = os.getppid()       # at once, before the parent can end


def greet(o, app, directory):
    """Print how to use an appliance that was started by hand."""
    here = os.path.relpath(os.path.dirname(os.path.abspath(__file__)))
    print("A %s appliance on https://localhost:%d/ (loopback only): %d sessions"
          ",\nits clock at %d and %s. The state directory is in %s\n\n"
          "Fetch from it:\n\n"
          "    praic-fetch --host localhost:%d --ca-file %s/ca.pem \\\n"
          "        --client-id %s --secret file:%s/secret \\\n"
          "        sessions --since 7d\n\n"
          "Print its data, change its clock, make faults:\n\n"
          "    python3 %s control --dir %s truth --form sessions\n"
          "    python3 %s control --dir %s clock +3600\n"
          "    python3 %s control --dir %s fault add reset times=2\n\n"
          "Ctrl-C ends it." % (
              "Remote Support" if o.product == "rs" else "PRA", app.port,
              len(app.world.sessions), app.clock.now(),
              "standing" if o.clock == "fixed" else "running", directory,
              app.port, directory, app.client_id, directory, here, directory,
              here, directory, here, directory), flush=True)


def run(o, directory, stop):
    """Serve until `stop' is set."""
    import appliance
    import pki
    import server
    import state

    state.remove(directory, "ready", "port")
    pki.make(directory, o.certificate, o.name, o.client_certificate)
    client = o.client_id or state.read(directory, "client-id") \
        or appliance.client_id(o.seed)
    secret = state.read(directory, "secret") or state.new_secret()
    key = state.read(directory, "control-key") or os.urandom(16).hex()
    app = appliance.Appliance(o, client, secret)
    log = server.Log(os.path.join(directory, "log"))
    servers = server.listen(o.port, app, pki.context(
        directory, o.tls, o.client_certificate), log, key)
    for name, text in (("client-id", client), ("secret", secret),
                       ("control-key", key), ("port", str(app.port)),
                       ("pid", str(os.getpid()))):
        state.write(directory, name, text + "\n")
    state.write(directory, "env", state.env(
        directory, "localhost:%d" % app.port, client))
    for s in servers:
        threading.Thread(target=s.serve_forever, args=(0.1,),
                         daemon=True).start()
    state.write(directory, "ready", "")
    if not o.quiet:
        greet(o, app, directory)
    while not stop.wait(0.5):
        if o.exit_with_parent and os.getppid() != PARENT:
            break
    state.remove(directory, "ready", "port", "pid")
    for s in servers:
        s.stopping.set()
        s.shutdown()
        s.server_close()


def serve(arguments):
    import options

    o = options.parser().parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    directory = o.dir
    try:
        if directory is None:
            directory = tempfile.mkdtemp(prefix="praic-appliance.")
        else:
            directory = os.path.abspath(directory)
            os.makedirs(directory, mode=0o700, exist_ok=True)
            os.chmod(directory, 0o700)
        run(o, directory, stop)
    except OSError as e:
        print("appliance: %s" % e, file=sys.stderr)
        return 1
    finally:
        if o.dir is None and directory:
            shutil.rmtree(directory, ignore_errors=True)
    return 0


def main(arguments):
    verb = arguments[0] if arguments else ""
    if verb == "control":
        import control
        return control.main(arguments[1:])
    if verb == "generate":
        import generate
        return generate.main(arguments[1:])
    if verb == "faults":
        import faults
        print(faults.listing(), end="")
        return 0
    return serve(arguments[1:] if verb == "serve" else arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
