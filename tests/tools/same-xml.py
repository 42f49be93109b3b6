"""Checks that the XML in a record stream is that of the input.

    same-xml.py REPORT RECORDS

Compares each <session> of the report, in order and in canonical form (C14N 2.0),
with the joined X lines of the session in the records, without code of praic.  The
report must not contain bytes and characters that XML forbids, which praic-split
replaces.  Prints differences and exits with 1 if there are any.
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
    """Each session, serialized from Python's tree."""
    parser = ET.XMLParser(target=ET.TreeBuilder(insert_comments=True,
                                                insert_pis=True))
    root = ET.parse(report, parser).getroot()
    found = [root] if root.tag.rpartition("}")[2] == "session" else [
        e for e in root if isinstance(e.tag, str)
        and e.tag.rpartition("}")[2] == "session" and e.get("lsid")]
    for e in found:
        e.tail = None
        # Python does not escape carriage returns, which would be lost
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
