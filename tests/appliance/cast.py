"""The users and endpoints of one appliance, the same for the same seed.

A world has a few dozen users, endpoints, jump groups and Jumpoints, so that the
same user has many sessions.
"""

import random

import words


def address(rnd, kind):
    """An address in one of the forms of the reports."""
    v4 = "%d.%d.%d.%d" % (198, 18 + rnd() * 2, rnd() * 256, 1 + rnd() * 254)
    v6 = "2001:db8:%x:%x::%x" % tuple(int(rnd() * 65535) + 1 for _ in "123")
    port = 1024 + int(rnd() * 64000)
    if kind < 0.55:
        return "%s:%d" % (v4, port)
    if kind < 0.80:
        return "[%s]:%d" % (v6, port)
    if kind < 0.88:
        return v4
    if kind < 0.94:
        return v6
    return "Unknown"


class User:
    """A user account of the appliance (a representative, in its reports)."""

    __slots__ = ("id", "username", "private", "public", "number", "hostname",
                 "os", "public_ip", "private_ip", "team")

    def __init__(self, ident, rnd, pick):
        first, last = pick(words.FIRST), pick(words.LAST)
        self.id = ident
        self.username = "%s%d@ops.example" % (
            "".join(c for c in first.lower() if "a" <= c <= "z") or "user", ident)
        self.private = "%s %s" % (first, last)
        self.public = first
        self.number = 100 + ident
        self.hostname = "WS-%04d" % ident if rnd() < 0.7 else ""
        self.os = pick(words.SYSTEMS)[0]
        self.public_ip = address(rnd, rnd())
        self.private_ip = "10.%d.%d.%d" % (rnd() * 256, rnd() * 256, rnd() * 256) \
            if rnd() < 0.8 else "Unknown"
        self.team = int(rnd() * len(words.TEAMS))


class Endpoint:
    """An endpoint of sessions (a customer, in the reports)."""

    __slots__ = ("name", "hostname", "username", "os", "windows", "public_ip",
                 "private_ip")

    def __init__(self, number, rnd, pick):
        self.hostname = "%s-%s-%02d" % (pick(words.ENDPOINTS), pick(words.SITES),
                                        number)
        self.name = "%s (%s)" % (self.hostname, pick(words.SITES).upper()) \
            if rnd() < 0.5 else self.hostname
        if rnd() < 0.03:
            self.name = ""
        self.username = self.name if rnd() < 0.8 else "PLANT\\operator%d" % number
        self.os, self.windows = pick(words.SYSTEMS)
        self.public_ip = address(rnd, rnd())
        self.private_ip = "172.16.%d.%d" % (rnd() * 256, rnd() * 256) \
            if rnd() < 0.7 else "Unknown"


class Cast:
    """All users, endpoints and groups that the sessions of one world refer to."""

    def __init__(self, seed):
        rng = random.Random("cast:%s" % seed)
        rnd = rng.random

        def pick(sequence):
            return sequence[int(rnd() * len(sequence))]

        self.users = [User(i + 1, rnd, pick) for i in range(48)]
        self.endpoints = [Endpoint(i + 1, rnd, pick) for i in range(160)]
        self.categories = _categories(rng, rnd, pick)


def _categories(rng, rnd, pick):
    """A pool of system information: name, column heads, rows."""
    pool = []
    for n in range(6):
        drives = "CDEF"[:1 + n % 4]
        pool.append(("Operating System",
                     ("Name", "Version", "Installed", "Locale"),
                     [(pick(words.SYSTEMS)[0], "10.0.%d" % (rnd() * 30000),
                       "2023-0%d-11" % (1 + n), "de_DE")]))
        pool.append(("Disk Drives", ("Drive", "Label", "Size", "Free"),
                     [(d + ":", "Volume & <%s>" % d, "%d GB" % (rnd() * 4000),
                       "%d GB" % (rnd() * 900)) for d in drives]))
        pool.append(("Network Adapters",
                     ("Interface", "MAC", "Address", "Gateway"),
                     [("eth%d" % i, "02:00:5e:%02x:%02x:01" % (n, i),
                       "192.0.2.%d/24\nfe80::%x%%eth%d" % (i + 1, n + 1, i), "")
                      for i in range(2 + n % 3)]))
        pool.append(("Processes", ("PID", "Name", "User", "CPU", "Memory"),
                     [(str(4 * i), pick(words.WINDOWS)[0] or "idle",
                       "NT AUTHORITY\\SYSTEM" if i % 3 else "plant\\opérateur",
                       "%.1f" % (rnd() * 9), "%d K" % (rnd() * 900000))
                      for i in range(1, 40 + n * 30)]))
        pool.append(("Installed Programs", ("Name", "Vendor", "Version"),
                     [(pick(words.SOFTWARE), "Vendor \"%d\"" % i,
                       "%d.%d" % (rnd() * 20, rnd() * 10))
                      for i in range(10 + n * 8)]))
    pool.append(("Services", (), []))
    rng.shuffle(pool)
    return pool
