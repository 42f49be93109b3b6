"""Writes hostile reports of some kinds and of any size.

    hostile.py KIND MEGABYTES

Most have a session "a", which takes much memory or time in a careless parser, and
a harmless session "z" after it.
"""
import sys

M = 1000000
EVENT = (b'<session_list><session lsid="a"><session_details>'
         b'<event timestamp="1" event_type="e"><performed_by type="t">p'
         b'</performed_by><destination>d</destination>')
REST = b'</event></session_details></session><session lsid="z"/></session_list>'
LIST = b"<session_list>", b"</session_list>"
PEOPLE = (b'<session_list><session lsid="a"><%s>',
          b'</%s></session><session lsid="z"/></session_list>')


def value(head, tail):
    return EVENT + head, tail + REST


def people(what):
    return PEOPLE[0] % what, PEOPLE[1] % what


# kind: (beginning, repeated part, end)
KINDS = {
    # one large value
    "attribute": (*value(b'<data><value name="n" value="', b'"/></data>'), b"x"),
    "attribute-tags": (*value(b"", b""), b'<x a="%s"/>' % (b"x" * 300000)),
    "attribute-entities": (*value(b'<data><value name="n" value="', b'"/></data>'),
                           b"x\n&amp;"),
    "text": (*value(b"<body>", b"</body>"), b"hello, this is a chat\n"),
    "entities": (*value(b"<body>", b"</body>"), b"&amp;"),
    "forbidden": (*value(b"<body>", b"</body>"), b"&#7;"),
    "bad-bytes": (*value(b"<body>", b"</body>"), b"\xff"),
    "backslashes": (*value(b"<body>", b"</body>"), b"\\"),
    "letters": (*value(b"<body>", b"</body>"), "日本".encode()),
    "line-ends": (*value(b"<body>", b"</body>"), b"\r\n"),
    "base64": (*value(b"<encoded_body>", b"</encoded_body>"), b"aGVsbG8g"),
    "base64-bad": (*value(b"<encoded_body>", b"</encoded_body>"), b"//////79"),
    "cdata": (*value(b"<body><![CDATA[", b"]]></body>"), b"]"),
    "cdatas": (*value(b"<body>", b"</body>"), b"<![CDATA[x]]>"),
    "unwanted-entities": (*value(b"<data>", b"</data>"), b"&amp;"),
    # markup
    "comment": (*value(b"<!--", b"-->"), b"- "),
    # starts of documents, each of which must be examined
    "starts-in-comment": (*value(b"<!--", b"-->"), b"<?xml "),
    "starts-in-cdata": (*value(b"<body><![CDATA[", b"]]></body>"), b"<?praic-site h?><?a ?>"),
    "comments-in-cdata": (*value(b"<body><![CDATA[", b"]]></body>"), b"<?xml ?><!-- "),
    "comments": (*value(b"", b""), b"<!---->"),
    "instructions": (*value(b"", b""), b"<?p?>"),
    "comments-before": (b"", EVENT + REST, b"<!---->"),
    "instructions-before": (b"", EVENT + REST, b"<?p?>"),
    "blanks-before": (b"", EVENT + REST, b" \n"),
    "blanks-behind": (EVENT + REST, b"", b" \n"),
    "comments-behind": (EVENT + REST, b"", b"<!---->"),
    "open-tags": (*value(b"", b""), b"<a>"),
    # many repetitions
    "documents": (b"", b"", b"<session_list/>"),
    "declarations": (b"", b"", b'<?xml version="1.0"?>\n<session_list/>\n'),
    "latin1": (b"", b"", b'<?xml version="1.0" encoding="latin1"?>\n'
               b"<session_list/>\n"),
    "utf16": (b"\xff\xfe", b"", "<session_list/>\n".encode("utf-16-le")),
    "bad-documents": (b"", b"", b'<?xml version="1.0"?>\n<a>\n'),
    "unclosed": (b"", b"", b'<?xml version="1.0"?>\n<session_list><![CDATA[\n'),
    "unclosed-comments": (b"", b"", b'<?xml version="1.0"?>\n<!-- \n'),
    "errors": (b"", b"", b"<error/>"),
    "sessions": (*LIST, b'<session lsid="a"/>'),
    "warnings": (*LIST, b'<session lsid="a"><lseq>x</lseq></session>'),
    "replacements": (*LIST, b'<session lsid="a\x01"/>'),
    "doubts": (*people(b"custom_attributes"), b'<custom_attribute/>'),
    "users": (*people(b"rep_list"), b'<user gsnumber="1"/>'),
    "customers": (*people(b"customer_list"), b'<customer gsnumber="1"/>'),
    "attributes-of-ours": (*people(b"custom_attributes"),
                           b'<custom_attribute code_name="c"/>'),
    "recordings": (*people(b"command_shell_recordings"),
                   b'<command_shell_recording instance="0"/>'),
    "values": (b'<session_list><session lsid="a"><session_details><event><data>',
               b'</data>' + REST, b'<value name="n" value="v"/>'),
    "cells": (*value(b"<system_information><category><data><row>",
                     b"</row></data></category></system_information>"),
              b"<field>v</field>"),
    "headed-cells": (
        *value(b"<system_information><category><description>"
               + b"".join(b'<field id="%d"/>' % i for i in range(256))
               + b"</description><data><row>",
               b"</row></data></category></system_information>"),
        b'<field id="none">v</field>'),
    # not XML
    "nothing": (b"", b"", b"\0"),
    "quote": (b'<session_list a="', b"", b"x"),
}


def numbered(kind, size):
    """Kinds in which each repetition is different."""
    if kind == "attributes":
        return EVENT + b"<x", (b' a%07d=""' % i for i in range(size // 12)), \
            b"/>" + REST
    if kind == "long-attributes":
        return EVENT + b"<x", (b' a%d="%s"' % (i, b"x" * 500000)
                               for i in range(size // 500000)), b"/>" + REST
    if kind == "name":
        return EVENT, (b"<", b"n" * (size // 2), b"></", b"n" * (size // 2), b">"), REST
    if kind == "namespaces":
        return b"<session_list", \
            (b' xmlns:a%07d="u"' % i for i in range(size // 20)), \
            b">" + b'<session lsid="a"/>' * 1000 + b"</session_list>"
    if kind == "names":
        return EVENT, (b"<e%07d/>" % i for i in range(size // 11)), REST
    if kind == "inherited":
        return b"<session_list" \
            + b"".join(b' xmlns:a%d="%s"' % (i, b"u" * 100) for i in range(200)) \
            + b">", (b'<session lsid="a"/>' for _ in range(size // 19)), \
            b"</session_list>"
    if kind == "live-namespaces":
        opening = b"".join(
            b"<x" + b"".join(b' xmlns:a%d_%d="u"' % (d, i) for i in range(900))
            + b">" for d in range(60))
        return EVENT + opening, (b"<q:a/>" for _ in range(size // 6)), \
            b"</x>" * 60 + REST
    sys.exit("no such kind: " + kind)


def main():
    kind, size = sys.argv[1], int(float(sys.argv[2]) * M)
    out = sys.stdout.buffer
    if kind in KINDS:
        before, behind, piece = KINDS[kind]
        count = max(1, size // len(piece))
        block = piece * max(1, 65536 // len(piece))
        out.write(before)
        while count * len(piece) > len(block):
            out.write(block)
            count -= len(block) // len(piece)
        out.write(piece * count)
        out.write(behind)
        return
    before, pieces, behind = numbered(kind, size)
    out.write(before)
    out.write(b"".join(pieces))
    out.write(behind)


try:
    main()
except BrokenPipeError:
    pass
