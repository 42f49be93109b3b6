"""Writes session reports fast, without a server, for benchmarks.

A few hundred sessions of a server's world are rendered once and split at the
values that must differ: lsid, lseq, times, reference numbers. They are then
written repeatedly with new values. The same options give the same bytes.
"""

import argparse
import os
import random
import re
import sys
import tempfile
import time
from types import SimpleNamespace

import options
from report import Writer, opening
from world import World
from xmltext import iso

TEMPLATES = 300
END = 1767225600            # 2026-01-01: with no --end the bytes stay the same
GATHER = 1 << 20

# Each alternative begins with a fixed letter, which makes the search much faster.
CUTS = (
    rb'timestamp="(?P<stamp>\d{10})(?=")'
    rb"|(?P<iso>2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00)"
    rb"|<lseq>(?P<lseq>\d+)"
    rb"|#(?P<ref>\d{5})\b"
    rb"|(?P<lsid>%s)(?![0-9a-f])")


class Template:
    """The text of a session, or of some events, with places for values."""

    def __init__(self, text, lsid, start):
        self.parts, self.holes, at = [], [], 0
        times = None
        for m in re.finditer(CUTS % re.escape(lsid.encode()), text):
            kind = m.lastgroup
            delta = 0
            if kind == "stamp":
                delta = times = int(m[kind]) - start
            elif kind == "iso":
                delta = times or 0      # always beside its time stamp
            self.parts.append(text[at:m.start(kind)])
            self.holes.append((kind, delta))
            at = m.end()
        self.rest = text[at:]
        self.size = len(text)
        self.events = text.count(b"<event ")
        self.span = max([d for k, d in self.holes if k == "stamp"], default=0)

    def write(self, out, lsid, start, lseq, ref, pace=1):
        """Append the pieces to a list; pace scales the times."""
        for part, (kind, delta) in zip(self.parts, self.holes):
            out.append(part)
            if kind == "stamp":
                out.append(b"%d" % (start + delta // pace))
            elif kind == "lsid":
                out.append(lsid)
            elif kind == "iso":
                out.append(iso(start + delta).encode())
            elif kind == "lseq":
                out.append(b"%d" % lseq)
            else:
                out.append(b"%05d" % ref)
        out.append(self.rest)


class Output:
    """Buffered standard output that counts its bytes."""

    def __init__(self, stream):
        self.stream, self.held, self.size = stream, [], 0
        self.total = self.sessions = self.events = 0

    def add(self, pieces, size):
        self.held += pieces
        self.size += size
        self.total += size
        if self.size >= GATHER:
            self.flush()

    def flush(self):
        self.stream.write(b"".join(self.held))
        self.stream.flush()
        self.held, self.size = [], 0


class Generator:
    def __init__(self, o, stream):
        self.o = o
        self.out = Output(stream)
        self.rng = random.Random("generate:%s" % o.seed)
        count = TEMPLATES       # fewer for a short report: they take time
        if not o.one_session:
            count = min(TEMPLATES, o.sessions if o.sessions is not None
                        else o.bytes // 16384 + 1)
        world = World(SimpleNamespace(**{**vars(o), "sessions": count,
                                         "late": 0}), END)
        writer = Writer(world, o.order)
        self.templates, self.chunks, self.head = [], [], None
        for s in world.sessions:
            text = writer.session(world.view(s, END)).encode()
            self.templates.append(Template(text, s.lsid, s.start))
            if not o.one_session:
                continue
            # the content of session_details, as one piece
            begin = text.index(b"<session_details>\n") + 18
            end = text.index(b"</session_details>\n")
            self.chunks.append(Template(text[begin:end], s.lsid, s.start))
            if self.head is None and b"<end_time timestamp" in text:
                self.head = (Template(text[:begin], s.lsid, s.start),
                             Template(text[end:], s.lsid, s.start))
        self.mean = sum(t.size for t in self.templates) / max(count, 1)
        self.number = 0

    def lsid(self):
        return b"%032x" % self.rng.getrandbits(128)

    def session(self, start):
        t = self.templates[int(self.rng.random() * len(self.templates))]
        pieces = []
        self.number += 1
        t.write(pieces, self.lsid(), start, self.number,
                10000 + self.number * 7 % 90000)
        self.out.add(pieces, sum(map(len, pieces)))
        self.out.sessions += 1
        self.out.events += t.events

    def giant(self, start, size):
        """One session of about this size, with very many events."""
        lsid, at = self.lsid(), start
        begin, end = self.head
        self.number += 1
        goal = self.out.total + size - end.size
        pieces = []
        begin.write(pieces, lsid, start, self.number, 10000)
        self.out.add(pieces, sum(map(len, pieces)))
        n = 0
        while self.out.total < goal:
            chunk = self.chunks[n % len(self.chunks)]
            pieces, n = [], n + 1
            chunk.write(pieces, lsid, at, 0, 10000 + n % 90000, 60)
            at += chunk.span // 60 + 1
            self.out.add(pieces, sum(map(len, pieces)))
            self.out.events += chunk.events
        pieces = []
        end.write(pieces, lsid, start, self.number, 10000)
        self.out.add(pieces, sum(map(len, pieces)))
        self.out.sessions += 1

    def document(self, count, size, first, until):
        """One session_list with this number of sessions or bytes."""
        o, out = self.o, self.out
        root = opening("session_list", o.namespace)
        tail = b"</session_list>\n"
        root = root.encode()
        goal = None if size is None else out.total + size - len(tail)
        out.add([root], len(root))
        expected = count if count is not None else max(1, size / self.mean)
        step = (until - first) / max(expected, 1)
        n = 0
        while (n < count if count is not None else out.total < goal):
            if o.one_session and o.one_session_at == n:
                self.giant(int(first + n * step), o.one_session)
            self.session(min(int(first + n * step + self.rng.random() * step),
                             until - 1))
            n += 1
        if o.one_session and o.one_session_at >= n:
            self.giant(int(first + n * step), o.one_session)
        out.add([tail], len(tail))

    def frame(self, *arguments):
        """The document in a frame, which begins with its length."""
        out = self.out
        with tempfile.TemporaryFile() as f:
            self.out = Output(f)
            self.document(*arguments)
            self.out.flush()
            inner, self.out = self.out, out
            mark = b'<?praic-site %s bytes="%d"?>\n' % (self.o.marks.encode(),
                                                       f.tell())
            out.add([mark], len(mark))
            f.seek(0)
            while piece := f.read(GATHER):
                out.add([piece], len(piece))
        out.add([b"\n"], 1)
        out.sessions += inner.sessions
        out.events += inner.events

    def run(self):
        o = self.o
        until = END if o.end is None else o.end
        first = until - int(o.span * 86400)
        width = (until - first) / o.documents
        for i in range(o.documents):
            count = size = None
            if o.sessions is not None:
                count = o.sessions * (i + 1) // o.documents \
                    - o.sessions * i // o.documents
            elif o.bytes is not None:
                size = o.bytes // o.documents
            else:
                count = 0
            span = int(first + i * width), int(first + (i + 1) * width)
            if o.marks:
                self.frame(count, size, *span)
            else:
                self.document(count, size, *span)
            o.one_session = None        # in the first document only
        if o.marks:
            line = b'<?praic-end documents="%d" until="%d"?>\n' % (o.documents,
                                                                   until)
            self.out.add([line], len(line))
        self.out.flush()


def parser():
    p = argparse.ArgumentParser(
        prog="python3 tests/appliance generate",
        description="Write a session report to standard output. With no --end "
                    "the same options always give the same bytes.")
    g = options.world_options(p)
    g.add_argument("--sessions", type=int, metavar="N", help="number of sessions")
    g.add_argument("--bytes", type=options.size, metavar="SIZE",
                   help="approximate size instead (150M, 1.5G)")
    g.add_argument("--one-session", type=options.size, metavar="SIZE",
                   help="one session of about this size; alone, or in the "
                        "middle of --sessions")
    g.add_argument("--documents", type=int, default=1, metavar="N",
                   help="number of documents (default 1)")
    g.add_argument("--marks", metavar="HOST",
                   help="in frames of this host, with the end mark")
    g.add_argument("-v", "--verbose", action="store_true",
                   help="print counts on standard error")
    return p


def main(arguments):
    p = parser()
    o = p.parse_args(arguments)
    if o.sessions is not None and o.bytes is not None:
        p.error("--sessions or --bytes, not both")
    if o.sessions is None and o.bytes is None and not o.one_session:
        o.sessions = 100
    if o.documents < 1:
        p.error("--documents: at least 1")
    o.one_session_at = (o.sessions or 0) // 2
    began = time.monotonic()
    stream = os.fdopen(os.dup(1), "wb", buffering=0)
    try:
        g = Generator(o, Full(stream))
        g.run()
        stream.close()
    except BrokenPipeError:
        return 0            # the pipe is closed
    except OSError as e:
        print("appliance generate: standard output: %s" % e, file=sys.stderr)
        return 74
    if o.verbose:
        print("sessions=%d events=%d bytes=%d seconds=%.1f" % (
            g.out.sessions, g.out.events, g.out.total,
            time.monotonic() - began), file=sys.stderr)
    return 0


class Full:
    """Write everything: raw writes may be short."""

    def __init__(self, raw):
        self.raw = raw

    def write(self, piece):
        piece = memoryview(piece)
        while piece:
            piece = piece[self.raw.write(piece):]

    def flush(self):
        pass
