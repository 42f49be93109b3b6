"""Parses a framed XML stream byte by byte, independently of praic.

    frames.py FILE		print a line for each mark: "site HOST N", "end K UNTIL|-"
    frames.py FILE PREFIX	and write the documents to PREFIX1, PREFIX2, ...

It fails if the file contains anything except frames and an end mark.
"""
import re
import sys

SITE = re.compile(rb'<\?praic-site ([a-z0-9._-]+|\[[0-9a-f:.]+\]) bytes="([1-9][0-9]*)"\?>\n')
END = re.compile(rb'<\?praic-end documents="(0|[1-9][0-9]*)"(?: until="(0|[1-9][0-9]*)")?\?>\n')

data = open(sys.argv[1], "rb").read()
at = documents = 0
while True:
    m = SITE.match(data, at)
    if m is None:
        break
    size, at = int(m.group(2)), m.end() + int(m.group(2))
    if data[at:at + 1] != b"\n":
        sys.exit("byte %d: no line feed behind a frame" % at)
    documents += 1
    print("site", m.group(1).decode(), size)
    if len(sys.argv) > 2:
        with open(sys.argv[2] + str(documents), "wb") as f:
            f.write(data[m.end():at])
    at += 1
m = END.match(data, at)
if m is None:
    sys.exit("byte %d: no mark" % at)
if int(m.group(1)) != documents:
    sys.exit("%d documents, and the end mark says %d" % (documents, int(m.group(1))))
if m.end() != len(data):
    sys.exit("byte %d: something behind the end mark" % m.end())
print("end", documents, (m.group(2) or b"-").decode())
