"""Reads mails with Python's strict parser and prints errors.

    mail-check.py parse FILE		print the decoded Subject, From, To and body
    mail-check.py lines FILE		print lines that are too long, not ASCII, or without CRLF
"""
import email
import email.policy
import sys

verb, path = sys.argv[1:3]
with open(path, "rb") as f:
    raw = f.read()
if verb == "lines":
    for number, line in enumerate(raw.split(b"\r\n"), 1):
        # the line with libcurl's boundary is longer
        if len(line) > 76 and b"boundary=" not in line or any(c > 126 or (c < 32 and c != 9) for c in line):
            print(number, line)
        if number > 1 and line.strip() == b"" and line != b"":
            print(number, "blanks alone")
    if not raw.endswith(b"\r\n"):
        print("no CRLF at the end")
else:
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    for name, value in mail.items():
        for defect in value.defects:
            print("defect", name, repr(defect))
    for defect in mail.defects:
        print("defect", repr(defect))
    for name in "Subject", "From", "To", "Auto-Submitted":
        print(name, mail[name], sep=": ")
    body = mail.get_body()
    print("Content-Type", body["Content-Type"], sep=": ")
    if mail["Date"].datetime.tzinfo is None or not mail["Message-ID"].startswith("<praic."):
        print("no good Date or Message-ID")
    print(body.get_content().replace("\r\n", "\n"), end="")
