"""The content of one session: its members, events and recordings.

A Script is made from the session's own random numbers, so it does not depend on
other sessions. It covers the planned length; world.py determines the part that is
visible at a given time. Events are kept as XML, because making them takes most of
the time.
"""

import math
import random

import words
from xmltext import body, data, esc, event, party

# The middle of a session: the frequency of each kind of event, in 1000.
MIX = (
    ("window", 300), ("click", 270), ("shell", 130), ("chat", 80),
    ("transfer", 60), ("move", 20), ("delete", 20), ("registry", 30),
    ("shared", 10), ("sysinfo", 12), ("special", 12), ("note", 8),
    ("credential", 14), ("screenshot", 10), ("directory", 8), ("odd", 16),
)
MIX_LIST = [name for name, share in MIX for _ in range(share // 2)]

SYSTEM = ("system", 0, "Privileged Remote Access")


class Member:
    """A user's stay in a session; a reconnected user has two of them."""

    __slots__ = ("user", "gs", "join", "leave", "owner", "invited")

    def __init__(self, user, gs, join, owner, invited=False):
        self.user, self.gs, self.join = user, gs, join
        self.leave = None
        self.owner, self.invited = owner, invited


class Script:
    """Everything that a session has when it ends.

    events: (time, tag, text) in order; tag counts files or is empty.
    shells, screens: times at which recording number 0, 1, ... was begun.
    """

    def __init__(self, world, session, count=None):
        self.rng = random.Random("script:%s:%s" % (world.seed, session.lsid))
        self.rnd = self.rng.random
        self.world, self.session = world, session
        self.start, self.length = session.start, session.planned
        self.events, self.members = [], []
        self.shells, self.screens = [], []
        self.external_key = None    # (time, text) once it is set
        self.refs = session.lseq * 37 % 90000 + 10000
        if count is None:
            count = min(int(math.exp(self.rng.gauss(3.4, 0.95))), 4000)
        self.endpoint = self.pick(world.cast.endpoints)
        self._setting()
        self._opening()
        self._middle(count)

    def pick(self, sequence):
        return sequence[int(self.rnd() * len(sequence))]

    def text(self, template):
        if "{" not in template:
            return template
        return (template.replace("{ref}", "%05d" % self.refs)
                .replace("{n}", str(int(self.rnd() * 90) + 1))
                .replace("{host}", self.endpoint.hostname)
                .replace("{{", "{").replace("}}", "}"))

    def add(self, when, kind, *parts, tag=""):
        self.events.append((when, tag, event(when, kind, *parts)))

    # members

    def _setting(self):
        rnd, world, session = self.rnd, self.world, self.session
        gs = session.gs
        self.customer_gs = gs
        self.owner = Member(self.pick(world.cast.users), gs + 1,
                            self.start + 2, True)
        self.members.append(self.owner)
        self.reconnects = rnd() < 0.08 and self.length > 240
        self.guest = None
        if rnd() < 0.18 and self.length > 120:
            user = self.pick(world.cast.users)
            if user is not self.owner.user:
                self.guest = Member(user, gs + 2,
                                    self.start + int(self.length * 0.3),
                                    False, rnd() < 0.5)
                self.members.append(self.guest)
        where = rnd()
        if where < 0.80:
            n = int(rnd() * len(words.JUMP_GROUPS))
            self.jump_group = ("shared", n + 1, words.JUMP_GROUPS[n])
        elif where < 0.95:
            self.jump_group = ("personal", self.owner.user.id,
                               self.owner.user.private)
        else:
            self.jump_group = ("shared", -1, "")
        where = rnd()
        if where < 0.5:
            n = int(rnd() * len(words.JUMPOINTS))
            self.jumpoint = (n + 1, words.JUMPOINTS[n])
        else:
            self.jumpoint = (-1, "") if where < 0.75 else None
        self.attributes = []
        for display, code in words.ATTRIBUTES:
            if rnd() < 0.15:
                self.attributes.append(
                    (display, code, self.text(self.pick(words.REASONS))
                     if rnd() < 0.8 else ""))
        if rnd() < 0.25:
            self.external_key = (self.start + int(self.length * rnd() * 0.9),
                                 self.text("CHG{ref} & <{n}>"))

    def _customer(self):
        return ("customer", self.customer_gs, self.endpoint.name)

    @staticmethod
    def _as_user(member):
        return ("representative", member.gs, member.user.private)

    # the beginning

    def _opening(self):
        t, rnd = self.start, self.rnd
        self.add(t, "Session Start")
        self.add(t, "Conference Owner Changed",
                 party("destination", "system", 0, "Pre-start Conference"),
                 data(("owner", "Pre-start Conference")))
        e = self.endpoint
        self.add(t + 1, "Conference Member Added",
                 party("performed_by", *self._customer()),
                 data(("name", e.name), ("private_ip", e.private_ip),
                      ("public_ip", e.public_ip), ("hostname", e.hostname),
                      ("os", e.os)))
        if rnd() < 0.10:
            self._authorization(t + 1)
        self._joins(self.owner, t + 2)
        self.add(t + 2, "Conference Owner Changed",
                 party("destination", *self._as_user(self.owner)),
                 data(("owner", self.owner.user.private)))
        if rnd() < 0.5:
            self.add(t + 3, "Screen Recording",
                     party("performed_by", *SYSTEM))

    def _joins(self, member, when):
        u = member.user
        pairs = [("private_name", u.private), ("public_name", u.public),
                 ("username", u.username), ("private_ip", u.private_ip),
                 ("public_ip", u.public_ip), ("os", u.os),
                 ("user_id", str(u.id))]
        if self.world.product == "rs":
            pairs.append(("support_teams", words.TEAMS[u.team]))
        self.add(when, "Conference Member Added",
                 party("performed_by", *self._as_user(member)), data(*pairs))

    def _authorization(self, when):
        u = self.owner.user
        pairs = (("request_id", str(self.refs)),
                 ("request_start_time", "2025-06-02 08:00:00 CEST"),
                 ("request_duration", "7200"),
                 ("jump_policy_name", "Four eyes & log"),
                 ("jump_item_type", "Shell Jump"),
                 ("jump_item_name", self.endpoint.name),
                 ("requesting_user", u.private),
                 ("requesting_user_id", str(u.id)),
                 ("request_reason", self.text(self.pick(words.REASONS))),
                 ("approver_name", self.pick(self.world.cast.users).private),
                 ("approver_comments", "only until noon"))
        self.add(when, "Jump Item Authorization Request",
                 party("performed_by", *self._as_user(self.owner)), data(*pairs))
        self.add(when, "Jump Item Authorization Request Utilized",
                 party("performed_by", *self._as_user(self.owner)),
                 data(*pairs[:2]))

    # the middle

    def _middle(self, count):
        rnd, length = self.rnd, max(self.length - 8, 1)
        times = sorted(rnd() for _ in range(count))
        self.actor = self.owner
        key = self.external_key
        leave_at = length * 0.5 if self.reconnects else math.inf
        guest_at = self.guest.join - self.start if self.guest else math.inf
        for x in times:
            offset = 4 + x * (length - 4) if length > 4 else length
            when = self.start + int(offset)
            if offset >= guest_at:
                guest_at = math.inf
                self._guest_comes()
            if offset >= leave_at:
                leave_at = math.inf
                self._reconnect()
            if key and when >= key[0]:
                self.add(key[0] if key[0] > self.events[-1][0] else when,
                         "External Key",
                         party("performed_by", *self._as_user(self.actor)),
                         data(("external_key", key[1])))
                self.external_key = (self.events[-1][0], key[1])
                key = None
            getattr(self, "_" + self.pick(MIX_LIST))(when)
        if key:
            self.external_key = None    # it was not set in time
        if guest_at != math.inf:
            self.members.remove(self.guest)
            self.guest = None

    def _guest_comes(self):
        when = max(self.guest.join, self.events[-1][0])
        self.guest.join = when
        self._joins(self.guest, when)
        self.guest.leave = min(when + 600, self.start + self.length)
        if self.rnd() < 0.3:
            self.add(when, "Representative Monitoring Started",
                     party("performed_by", *self._as_user(self.guest)))

    def _reconnect(self):
        """The owner's connection is lost; they return with another gsnumber."""
        first = self.owner
        when = max(self.start + int(self.length * 0.5) - 40,
                   self.events[-1][0])
        first.leave = when
        self.add(when, "Conference Member State Changed",
                 party("performed_by", *self._as_user(first)),
                 data(("state", "disconnected")))
        self.add(when, "Conference Member Departed",
                 party("performed_by", *self._as_user(first)))
        again = Member(first.user, first.gs + 2, when + 20, True)
        self.members.append(again)
        self._joins(again, again.join)
        self.add(again.join, "Conference Owner Changed",
                 party("destination", *self._as_user(again)),
                 data(("owner", again.user.private)))
        self.actor = again

    def _by(self):
        return party("performed_by", *self._as_user(self.actor))

    def _on(self):
        return party("destination", *self._customer())

    def _window(self, when):
        exe, title = self.pick(words.WINDOWS)
        title = self.text(title)
        self.add(max(when, self.events[-1][0]),
                 "Session Foreground Window Changed",
                 party("performed_by", *self._customer()),
                 data(("exeName", exe), ("windowName", title)))

    def _click(self, when):
        exe, title = self.pick(words.WINDOWS)
        name, kind = self.pick(words.TARGETS)
        self._put(when, "Session Mouse Left Clicked", self._by(),
                  data(("exeName", exe), ("windowName", self.text(title)),
                       ("targetName", name), ("targetType", kind)))

    def _put(self, when, kind, *parts, tag=""):
        """add(), but not before the event that was added last."""
        last = self.events[-1][0]
        self.add(when if when > last else last, kind, *parts, tag=tag)

    def _shell(self, when):
        if not self.shells or self.rnd() < 0.03:
            if self.rnd() < 0.6:
                number = len(self.shells)
                self._put(when, "Command Shell Session Started", self._by(),
                          self._on(),
                          data(*self.world.media_urls(self.session, "cmdshell",
                                                      number)))
                self.shells.append(self.events[-1][0])
            else:
                self._put(when, "Remote Shell Session Started", self._by(),
                          self._on())
        line, answer = self.pick(words.SHELL)
        self._put(when, "Remote Shell Event", self._by(), self._on(),
                  data(("text", self.text(line))))
        if answer:
            self._put(when + 1, "Remote Shell Event",
                      party("performed_by", *SYSTEM),
                      data(("text", self.text(answer))))

    def _chat(self, when):
        text = self.pick(words.CHAT_RAW if self.rnd() < 0.06 else words.CHAT)
        to = party("destination", "everyone", 0, "All Users") \
            if self.rnd() < 0.6 else self._on()
        self._put(when, "Chat Message", self._by(), to, body(self.text(text)))

    def _file(self):
        return self.text(self.pick(words.FILES)), str(int(self.rnd() ** 4 * 2e9))

    def _transfer(self, when):
        name, size = self._file()
        kind = self.rnd()
        if kind < 0.1:
            self._put(when, "File Upload Failed", self._by(), self._on(),
                      "    <filename>%s</filename>\n" % esc(name))
            return
        up = kind < 0.5
        pairs = [("filename", name), ("filesize", size)]
        if kind > 0.6:
            pairs.append(("sha256", "%064x" % self.rng.getrandbits(256)))
        ends = (self._by(), self._on()) if up else (
            party("performed_by", *self._customer()),
            party("destination", *self._as_user(self.actor)))
        self._put(when, "File Upload" if up else "File Download", *ends,
                  data(*pairs), tag="transfer")
        if kind > 0.9:
            self._put(when, "File Transfer Complete", *ends,
                      "    <filename>%s</filename>\n"
                      "    <filesize>%s</filesize>\n" % (esc(name), size))

    def _move(self, when):
        folder, name = self.pick(words.FOLDERS), self._file()[0]
        self._put(when, "File Moved", self._by(), self._on(),
                  data(("old_path", folder + name),
                       ("new_path", self.pick(words.FOLDERS) + name + ".old")),
                  tag="move")

    def _delete(self, when):
        name, size = self._file()
        self._put(when, "File Deleted", self._by(), self._on(),
                  data(("filename", self.pick(words.FOLDERS) + name),
                       ("filesize", size)), tag="delete")

    def _directory(self, when):
        self._put(when, "Directory Created", self._by(), self._on(),
                  data(("path", self.pick(words.FOLDERS) + "neu")))

    def _shared(self, when):
        files = []
        for _ in range(1 + int(self.rnd() * 5)):
            name, size = self._file()
            files.append("        <file>\n            <filename>%s</filename>\n"
                         "            <filesize>%s</filesize>\n        </file>\n"
                         % (esc(name), size))
        self._put(when, "Files Shared", self._by(),
                  "    <files>\n%s    </files>\n" % "".join(files))

    def _registry(self, when):
        path = self.pick(words.REGISTRY)
        name = self.text("Wert {n}")
        kind = self.pick(("Registry Value Modified", "Registry Value Added",
                          "Registry Key Renamed", "Registry Exported"))
        pairs = [("key_path", path), ("root_path", path.split("\\")[0])]
        if "Value" in kind:
            pairs += [("value_name", name), ("value_type", "REG_MULTI_SZ"),
                      ("value_data_old", ""), ("value_data_new", "a\nb\n\tc")]
        elif "Renamed" in kind:
            pairs += [("key_name_old", name), ("key_name_new", name + " & alt")]
        self._put(when, kind, self._by(), self._on(), data(*pairs))

    def _sysinfo(self, when):
        pool = self.world.cast.categories
        first = int(self.rnd() * len(pool))
        some = (pool + pool)[first:first + 2 + int(self.rnd() * 5)]
        self._put(when, "System Information Retrieved",
                  party("performed_by", *self._customer()),
                  self.world.sysinfo(some))

    def _special(self, when):
        self._put(when, "Special Action Executed", self._by(),
                  data(("action_name", self.pick((
                      "Ctrl-Alt-Entf senden", "Run: \"gpupdate /force\"",
                      "Redémarrer (mode sans échec)")))))

    def _note(self, when):
        self._put(when, "Session Note Added", self._by(),
                  body(self.text(self.pick(words.NOTES))))

    def _credential(self, when):
        ident = ("attempt_id", str(len(self.events)))
        self._put(when, "Credential Injection Attempt", self._by(),
                  data(ident, ("credential_id", str(int(self.rnd() * 400))),
                       ("credential_name",
                        self.text(self.pick(words.CREDENTIALS)))))
        if self.rnd() < 0.3:
            # two <data> in one event: seen in an inferred schema
            self._put(when + 2, "Credential Injection Attempt Failed",
                      self._by(), data(ident),
                      data(("failure_reason", "Logon <field> not found")))

    def _screenshot(self, when):
        if self.world.product == "rs" and self.rnd() < 0.4:
            self.screens.append(max(when, self.events[-1][0]))
            self._put(when, "Show My Screen Recording", self._by(),
                      data(*self.world.media_urls(self.session, "sms",
                                                  len(self.screens) - 1)))
        else:
            self._put(when, "Screenshot Captured", self._by(), self._on())

    def _odd(self, when):
        """Kinds that are rare or undocumented."""
        kind = self.pick(("Service Access Allowed", "Session Window Closed",
                          "Legal Agreement Response", "Quantum Tunnel Opened",
                          "Conference Member State Changed"))
        self._put(when, kind, self._by(),
                  data(("granted_to", self.actor.user.private), ("level", "2"),
                       ("state", "connected")))

    # the end

    def closing(self, stop, ended):
        """The last events of a session that stopped; (time, tag, text)."""
        last = max((m for m in self.members if m.join <= stop),
                   key=lambda m: m.join, default=self.owner)
        out = []
        if ended:
            out.append((stop, "", event(
                stop, "Conference Member Departed",
                party("performed_by", *self._as_user(last)))))
            out.append((stop, "", event(stop, "Session End")))
        return out


def dirty(text):
    """A window title with characters that XML forbids, as seen in real reports."""
    return text.replace('name="windowName" value="',
                        'name="windowName" value="\x0b\ufffe&#7;', 1)
