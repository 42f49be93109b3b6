"""The smaller reports, the command API and the backup.

For some of them no real answer has been published (summaries, Jump items,
backups). Those here have the documented root or signature; the rest is invented
and marked as such.
"""

import calendar
import gzip
import io
import json
import random
import re
import time
import zipfile

import answer
import words
from answer import Answer
from report import DECLARATION, xmlns
from reports import Refused, window
from xmltext import esc, esc_value, iso

VERSION = "24.1.2"


def _span(app, request):
    """[first, last) of the request, limited to the retention and to now."""
    _, first, length = window(request.params)
    now = app.clock.now()
    last = now if length == 0 else min(now, first + length)
    return max(first, now - int(app.options.retention * 86400)), last


def _every(step, first, last):
    """The multiples of step in [first, last)."""
    return range(-(-first // step) * step, last, step)


def team(app, request):
    """Team, SupportTeam: logins and members every two hours."""
    try:
        first, last = _span(app, request)
    except Refused as e:
        return answer.error(str(e), app.options)
    rounds = _every(7200, first, last)
    wanted = request.params.get("team_id")
    if not rounds:
        return answer.error("team", app.options)
    out = [DECLARATION, "<team_activity_list%s>\n"
           % xmlns(app.options.namespace),
           '    <start_time timestamp="%d">%s</start_time>\n'
           % (first, iso(first)),
           '    <end_time timestamp="%d">%s</end_time>\n' % (last, iso(last))]
    for i, name in enumerate(words.TEAMS):
        if wanted not in (None, str(i + 1)):
            continue
        out.append('    <team_activity name="%s" id="%d">\n        <events>\n'
                   % (esc_value(name), i + 1))
        for t in rounds[i % 3::3]:
            user = app.world.cast.users[t // 7200 % 48]
            out.append('            <event timestamp="%d" event_type="Logged '
                       'In" >\n                <performed_by type="'
                       'representative">%s</performed_by>\n'
                       '                <data>\n                    <value '
                       'name="status" value="Available" />\n'
                       '                </data>\n            </event>\n'
                       % (t, esc(user.private)))
        out.append("        </events>\n    </team_activity>\n")
    out.append("</team_activity_list>\n")
    return app.xml("".join(out))


def vault(app, request):
    """VaultAccountActivity: an event about every 100 minutes."""
    try:
        first, last = _span(app, request)
    except Refused as e:
        return answer.error(str(e), app.options)
    some = _every(6000, first, last)
    if not some:
        return answer.error("vault", app.options)
    out = [DECLARATION, "<vault_account_activity_list%s>\n"
           % xmlns(app.options.namespace)]
    for t in some:
        n = t // 6000
        user = app.world.cast.users[n % 48]
        kind, note = (("Account Created", ""), ("Password Changed",
                      "Manually Edited"), ("Credentials Used", "%032x" % n),
                      ("Account Deleted", ""))[n % 4]
        out.append('   <vault_account_activity timestamp="%d" event_type="%s" '
                   'account="svc-%d &amp; co">\n       <performed_by id="%d" '
                   'type="User">%s</performed_by>\n       <data>%s</data>\n'
                   '   </vault_account_activity>\n'
                   % (t, kind, n % 17, user.id, esc(user.private), note))
    out.append("</vault_account_activity_list>\n")
    return app.xml("".join(out))


def jump_items(app, _request):
    """JumpItem: the report exists; its form is not known, so this is invented."""
    rows = ['    <jump_item id="%d" name="%s" hostname="%s" />\n'
            % (i + 1, esc_value(e.name), esc_value(e.hostname))
            for i, e in enumerate(app.world.cast.endpoints)]
    return app.xml("%s<jump_item_list%s>\n%s</jump_item_list>\n" % (
        DECLARATION, xmlns(app.options.namespace), "".join(rows)))


def nothing(app, _request):
    """Reports without data on this appliance."""
    return answer.error("sessions", app.options)


# archives in a ZIP: a fixed date gives the same bytes for the same seed

def _zip(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, content in members:
            z.writestr(zipfile.ZipInfo(name, (2025, 1, 1, 0, 0, 0)), content)
    return out.getvalue()


def licences(app, _request):
    """EndpointLicenseUsage, LicenseUsage."""
    lines = ["Name,Hostname / IP,Jumpoint,Application,Licensed,Method,Group\r\n"]
    for i, e in enumerate(app.world.cast.endpoints):
        lines.append('"%s",%s,%s,,%s,%s,"%s"\r\n' % (
            e.name.replace('"', '""'), e.hostname, words.JUMPOINTS[i % 6],
            "yes" if i % 5 else "no", ("rdp", "shell", "client")[i % 3],
            words.JUMP_GROUPS[i % 8].replace('"', '""')))
    return app.file("application/zip", "licenses.zip", _zip(
        [("jump_items.csv", "".join(lines).encode())]))


def syslog(app, _request):
    lines = []
    base = app.clock.now() // 86400 * 86400
    for i in range(400):
        t = base - 86400 + i * 211
        user = app.world.cast.users[i % 48]
        lines.append("%s %s BG[%d]: %d:01:01:site=%s;when=%d;who=%s (%s);"
                     "who_ip=192.0.2.%d;event=login;status=success;target=rep"
                     % (time.strftime("%b %d %H:%M:%S", time.gmtime(t)),
                        app.world.site.split(".")[0], 4000 + i, 9000 + i,
                        app.world.site, t, user.private, user.username,
                        i % 250 + 1))
    text = ("\n".join(lines) + "\n").encode()
    return app.file("application/zip", "syslog.zip", _zip(
        [("messages", text), ("messages.1.gz", gzip.compress(text, mtime=0))]))


def archive_listing(app, request):
    """ArchiveListing: three of each kind for each of the last seven days."""
    date = request.params.get("date", "")
    if not _recent(app, date):
        return answer.error("archive", app.options)
    at = calendar.timegm(time.strptime(date, "%Y-%m-%d"))
    out = []
    for i in range(3):
        t = at + i * 1800
        out.append('    <event_archive><start_time timestamp="%d">%s'
                   '</start_time><index>%d</index></event_archive>\n'
                   '    <state_archive><time timestamp="%d">%s</time>'
                   '<index>%d</index></state_archive>\n'
                   % (t, iso(t), i, t, iso(t), i))
    return app.xml("%s<archive_list%s>\n%s</archive_list>\n" % (
        DECLARATION, xmlns(app.options.namespace), "".join(out)))


def archive(app, request):
    """Archive: gzipped JSON; its errors are gzipped as well."""
    p = request.params
    if not _recent(app, p.get("date", "")) or p.get("type") not in (
            "state", "event") or p.get("index") not in ("0", "1", "2"):
        out = answer.error("archive", app.options)
        return Answer.of(200, "application/gzip",
                         gzip.compress(out.body(), mtime=0))
    rows = [{"type": p["type"], "date": p["date"], "index": int(p["index"]),
             "n": i, "user": u.username}
            for i, u in enumerate(app.world.cast.users)]
    text = "\n".join(json.dumps(r) for r in rows) if p["type"] == "event" \
        else json.dumps({"users": rows})
    return app.file("application/gzip", "archive.json.gz",
                    gzip.compress(text.encode(), mtime=0))


def _recent(app, date):
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", date):
        return False
    try:
        at = calendar.timegm(time.strptime(date, "%Y-%m-%d"))
    except ValueError:
        return False
    return 0 <= app.clock.now() - at < 7 * 86400


# the command API

def api_info(app):
    may = app.may
    rows = [("perm_backup", "1" if may("backup") else "0"),
            ("perm_command", "read_only"), ("perm_configuration", "0"),
            ("perm_reporting", "1" if may("AccessSession") else "0"),
            ("perm_reporting_license",
             "1" if may("EndpointLicenseUsage") else "0"),
            ("perm_reporting_vault",
             "1" if may("VaultAccountActivity") else "0"),
            ("perm_scim", "0")]
    return app.xml("%s<api_information%s>\n    <api_version>1.24.1"
                   "</api_version>\n    <timestamp>%d</timestamp>\n"
                   "    <permissions>\n%s    </permissions>\n"
                   "</api_information>\n" % (
                       DECLARATION, xmlns(app.options.namespace, "command"),
                       app.clock.now(), "".join(
                           ["        <permission><%s>%s</%s></permission>\n"
                            % (k, v, k) for k, v in rows])))


def health(app):
    now = app.clock.now()
    return app.xml('%s<check_health%s>\n    <appliance id="%032x">%s'
                   "</appliance>\n    <version>%s</version>\n"
                   "    <success>1</success>\n"
                   "    <failover_role>none</failover_role>\n"
                   "    <enabled_shared_ips></enabled_shared_ips>\n"
                   '    <last_data_sync_time ts="%d">%s</last_data_sync_time>\n'
                   "</check_health>\n" % (
                       DECLARATION, xmlns(app.options.namespace, "command"),
                       random.Random(app.world.seed).getrandbits(128),
                       esc(app.world.site), VERSION, now - 60, iso(now - 60)))


def command(app, request):
    action = request.params.get("action", "")
    if action == "get_api_info":
        return api_info(app)
    if action == "check_health":
        return health(app)
    return answer.error("action", app.options, "command")


def backup(app, request):
    """A site backup: the answer's form is not known beyond 'binary'."""
    password = request.params.get("password", "")
    rng = random.Random("backup:%s:%d:%s" % (app.world.seed, app.clock.now(),
                                             password))
    content = b"NSB\x02\x00\x00\x00\x01" + rng.randbytes(app.options.backup_size)
    name = time.strftime("%Y%m%d-%H%M%S", time.gmtime(app.clock.now()))
    return app.file("application/octet-stream",
                    "%s-%s.nsb" % (app.world.site, name), content)
