"""Is the XML in a record stream that of the input?

    same-xml.py REPORT RECORDS

Each <session> of the report, in order, in canonical form (C14N 2.0), against
the joined X lines of the session in the records; nothing of praic is used.
What praic-split says it replaces in the report - bytes and characters that
XML forbids - must not be in it.  Says what differs; exits with 1 then.
"""
import io
import sys
import xml.etree.ElementTree as ET

UNESCAPE = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}


def unescape(text):
    out, parts = [], text.split("\\")
    out.append(parts[0])
    i = 1
    while i < len(parts):
        if parts[i] == "":              # an escaped backslash
            out.append("\\" + (parts[i + 1] if i + 1 < len(parts) else ""))
            i += 2
        else:
            out.append(UNESCAPE[parts[i][0]] + parts[i][1:])
            i += 1
    return "".join(out)


def canonical(source):
    return ET.canonicalize(source, with_comments=True, rewrite_prefixes=True)


def sessions_of(report):
    """Each session, serialised anew from the tree that Python makes of it."""
    parser = ET.XMLParser(target=ET.TreeBuilder(insert_comments=True,
                                                insert_pis=True))
    root = ET.parse(report, parser).getroot()
    found = [root] if root.tag.rpartition("}")[2] == "session" else [
        e for e in root if isinstance(e.tag, str)
        and e.tag.rpartition("}")[2] == "session" and e.get("lsid")]
    for e in found:
        e.tail = None
        # it leaves a carriage return as it is, which then would be none
        yield e.get("lsid"), canonical(
            ET.tostring(e, encoding="unicode").replace("\r", "&#13;"))


def sessions_in(records):
    xml = lsid = None
    for line in io.TextIOWrapper(records, "utf-8", newline="\n"):
        mark, _, rest = line.rstrip("\n").partition("\t")
        if mark == "S":
            xml, lsid = [], unescape(rest.split("\t")[1])
        elif mark == "X":
            if len(line.encode()) > 32768:
                sys.exit("an X line of more than 32768 bytes")
            xml.append(unescape(rest))
        elif mark == "E":
            text = "".join(xml)
            if len(text.encode()) != int(rest.split("\t")[2]):
                sys.exit("%s: xml_bytes is wrong" % lsid)
            yield lsid, canonical(text)


def main():
    with open(sys.argv[1], "rb") as report, open(sys.argv[2], "rb") as records:
        n = 0
        ours = sessions_in(records)
        for lsid, want in sessions_of(report):
            got_lsid, got = next(ours, (None, None))
            if got_lsid != lsid or got != want:
                print("%r: another session, or other XML" % lsid)
                print(" want", want[:300])
                print(" got ", (got or "")[:300])
                return 1
            n += 1
        if next(ours, None) is not None:
            print("more sessions than in the report")
            return 1
    print(n, "sessions")
    return 0


sys.exit(main())
