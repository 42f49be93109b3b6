"""The session_list report: the XML of a View of world.py.

The layout (irregular indentation, a blank line for a missing element, a blank
before the '>' of an event) is that of real appliances, because programs have
failed on it. The order of a session's children can be changed, because
published samples differ.
"""

import random

import words
from script import dirty
from xmltext import esc, esc_value, iso, span, stamp

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

NAMESPACES = {
    "live": "http://www.beyondtrust.com/sra/namespaces/API/",
    "docs": "https://www.beyondtrust.com/namespaces/API/",
    "old": "http://www.bomgar.com/namespaces/API/",
    "none": None,
}

ORDERS = {
    "live": ("session_type", "lseq", "start_time", "end_time", "duration",
             "public_site", "external_key", "custom_attributes", "chat",
             "recordings", "counts", "primary_customer", "jump_group",
             "jumpoint", "primary_rep", "primary_team", "customer_list",
             "rep_list", "team_list", "session_details"),
    "docs": ("session_type", "lseq", "start_time", "end_time", "duration",
             "jump_group", "jumpoint", "public_site", "external_key",
             "custom_attributes", "chat", "recordings", "counts",
             "primary_team", "primary_customer", "primary_rep", "team_list",
             "customer_list", "rep_list", "session_details"),
    "details-first": ("session_details", "rep_list", "team_list",
                      "customer_list", "primary_rep", "primary_team",
                      "jumpoint", "jump_group", "primary_customer", "counts",
                      "recordings", "chat", "custom_attributes",
                      "external_key", "public_site", "duration", "end_time",
                      "start_time", "lseq", "session_type"),
}
ORDER_NAMES = tuple(ORDERS) + ("shuffled",)


def xmlns(namespace, api="reporting"):
    uri = NAMESPACES.get(namespace, namespace)
    return ' xmlns="%s"' % esc(uri + api if uri.endswith("/") else uri) \
        if uri else ""


def opening(root, namespace):
    extra = ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"' \
        if root == "session_list" and namespace != "none" else ""
    return "%s<%s%s%s>\n" % (DECLARATION, root, xmlns(namespace), extra)


def leaf(tag, text, indent="    "):
    return "%s<%s>%s</%s>\n" % (indent, tag, esc(text), tag)


class Writer:
    """Makes <session> elements; keeps what is the same in all of them."""

    def __init__(self, world, order="live"):
        self.world = world
        self.order = order
        self.rs = world.product == "rs"

    def session(self, v):
        s = v.session
        parts = {
            "session_type": leaf("session_type", "support"),
            "lseq": leaf("lseq", str(s.lseq)),
            "start_time": "    %s\n" % stamp("start_time", s.start),
            "end_time": self._end_time(v),
            "duration": leaf("duration", span(s.stop - s.start)
                             if v.state == "closed" else ""),
            "external_key": leaf("external_key", v.external_key),
            "custom_attributes": self._attributes(v),
            "chat": self._urls(v, "chat", "session_chat_")
            if v.state == "closed" else "",
            "recordings": self._recordings(v),
            "counts": "".join(leaf(tag, str(n)) for tag, n in zip(
                ("file_transfer_count", "file_move_count",
                 "file_delete_count"), v.counts)),
            "primary_customer": '    <primary_customer gsnumber="%d">%s'
                                '</primary_customer>\n' % (
                                    v.script.customer_gs,
                                    esc(v.script.endpoint.name)),
            "jump_group": '    <jump_group type="%s" id="%d">%s</jump_group>\n'
                          % (v.script.jump_group[:2]
                             + (esc(v.script.jump_group[2]),)),
            "jumpoint": self._jumpoint(v),
            "primary_rep": self._primary_rep(v),
            "customer_list": self._customers(v),
            "rep_list": "    <rep_list>\n%s    </rep_list>\n" % "".join(
                [self._member(v, m) for m in v.members]),
            "session_details": self._details(v),
            "public_site": "", "primary_team": "", "team_list": "",
        }
        if self.rs:
            self._remote_support(v, parts)
        order = ORDERS.get(self.order)
        if order is None:
            order = list(parts)
            random.Random(s.lsid).shuffle(order)
        return '<session lsid="%s">\n%s</session>\n' % (
            esc_value(s.lsid), "".join([parts[name] for name in order]))

    @staticmethod
    def _end_time(v):
        if v.state == "closed":
            return "    %s\n" % stamp("end_time", v.session.stop)
        return ("", "    <end_time></end_time>\n",
                '    <end_time timestamp=""></end_time>\n',
                "    <end_time />\n")[int(v.session.lsid[-1:], 36) % 4
                                      if v.session.lsid[-1:].isalnum() else 0]

    @staticmethod
    def _attributes(v):
        if not v.script.attributes:
            return "    <custom_attributes></custom_attributes>\n"
        return "    <custom_attributes>\n%s    </custom_attributes>\n" % "".join(
            ['    <custom_attribute display_name="%s" code_name="%s">%s'
             '</custom_attribute>\n' % (esc_value(d), esc_value(c), esc(text))
             for d, c, text in v.script.attributes])

    def _urls(self, v, mode, prefix, indent="    ", instance=None):
        pairs = dict(self.world.media_urls(v.session, mode, instance))
        return (leaf(prefix + "view_url", pairs["view_url"], indent)
                + leaf(prefix + "download_url", pairs["download_url"], indent))

    def _recordings(self, v):
        out = []
        for kind, mode, tag in (("shell", "cmdshell", "command_shell_recording"),
                                ("screen", "sms", "show_my_screen_recording")):
            some = ['        <%s instance="%d">\n%s        </%s>\n' % (
                tag, i, self._urls(v, mode, "", "            ", i), tag)
                for k, i in v.media if k == kind]
            if some:
                out.append("    <%ss>\n%s    </%ss>\n" % (tag, "".join(some),
                                                          tag))
        if ("recording", None) in v.media:
            out.insert(0, self._urls(v, "recording", "session_recording_"))
        return "".join(out)

    @staticmethod
    def _jumpoint(v):
        if v.script.jumpoint is None:
            return "\n"
        return '    <jumpoint id="%d">%s</jumpoint>\n' % (
            v.script.jumpoint[0], esc(v.script.jumpoint[1]))

    @staticmethod
    def _owner(v):
        """The owner now; for a reconnected user, the later stay."""
        return [m for m in v.members if m.owner][-1]

    def _primary_rep(self, v):
        if v.session.index % 53 == 11:
            return ""           # it may be missing
        m = self._owner(v)
        return '    <primary_rep gsnumber="%d" id="%d">%s</primary_rep>\n' % (
            m.gs, m.user.id, esc(m.user.private))

    def _customers(self, v):
        e = v.script.endpoint
        out = ['    <customer_list>\n    <customer gsnumber="%d">\n'
               % v.script.customer_gs,
               leaf("username", e.username), leaf("public_ip", e.public_ip),
               leaf("private_ip", e.private_ip), leaf("hostname", e.hostname),
               leaf("os", e.os)]
        if self.rs:
            out += ["    <primary_cust>1</primary_cust>\n    <info>\n",
                    leaf("name", e.name), leaf("company", "Plant & Söhne"),
                    leaf("company_code", "P%03d" % (v.session.index % 7)),
                    '    <issue id="%d">Line stopped</issue>\n'
                    % (v.session.index % 5 + 1),
                    leaf("details", "since this morning\n<no alarm>"),
                    "    </info>\n"]
        out.append("</customer>\n    </customer_list>\n")
        return "".join(out)

    def _member(self, v, m):
        u = m.user
        until = min(v.seen, m.leave if m.leave is not None else v.seen)
        out = ['    <representative gsnumber="%d" id="%d">\n' % (m.gs, u.id),
               leaf("username", u.username), leaf("display_name", u.private),
               leaf("public_display_name", u.public),
               leaf("private_display_name", u.private),
               leaf("display_number", str(u.number)) if self.rs else "",
               leaf("public_ip", u.public_ip, "        "),
               leaf("private_ip", u.private_ip)]
        if u.hostname:
            out.append(leaf("hostname", u.hostname))
        out += [leaf("os", u.os),
                leaf("session_owner", "1" if m is self._owner(v) else "0")]
        if self.rs:
            out.append(leaf("primary_rep",
                            "1" if m is self._owner(v) else "0"))
        out.append(leaf("seconds_involved", str(max(0, until - m.join)),
                        "        "))
        if m.invited:
            out.append(leaf("invited", "1"))
        out.append("</representative>\n")
        return "".join(out)

    def _details(self, v):
        events = [e[2] for e in v.events]
        if self.world.dirty and v.session.index % self.world.dirty == 0:
            events = [dirty(e) for e in events]
        return "<session_details>\n%s</session_details>\n" % "".join(events)

    def _remote_support(self, v, parts):
        """The elements that only Remote Support has."""
        parts["public_site"] = '    <public_site id="1">Default</public_site>\n'
        teams = []
        for m in v.members:
            if m.user.team not in teams:
                teams.append(m.user.team)
        mine = self._owner(v).user.team
        parts["primary_team"] = '    <primary_team id="%d">%s</primary_team>\n' \
            % (mine + 1, esc(words.TEAMS[mine]))
        parts["team_list"] = "    <team_list>\n%s    </team_list>\n" % "".join(
            ['    <team id="%d">\n%s%s    </team>\n' % (
                t + 1, leaf("name", words.TEAMS[t]),
                leaf("primary_team", "1" if t == mine else "0"))
             for t in teams])
        parts["primary_rep"] += "    <rep_join_time timestamp=\"%d\">%s" \
            "</rep_join_time>\n" % (v.members[0].join, iso(v.members[0].join))
