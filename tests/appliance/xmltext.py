"""The appliance's forms of XML text: escapes, events, data, time stamps."""

import base64
import time


def esc(text):
    """Escape text for elements and attributes."""
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    if ">" in text:
        text = text.replace(">", "&gt;")
    if '"' in text:
        text = text.replace('"', "&quot;")
    if "'" in text:
        text = text.replace("'", "&apos;")
    return text


def esc_value(text):
    """Escape attribute values, where a raw line end or TAB would become a blank."""
    text = esc(text)
    if "\n" in text:
        text = text.replace("\n", "&#10;")
    if "\t" in text:
        text = text.replace("\t", "&#9;")
    return text


def iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(seconds))


def stamp(tag, seconds):
    return '<%s timestamp="%d">%s</%s>' % (tag, seconds, iso(seconds), tag)


def span(seconds):
    """HH:MM:SS; the hours may pass 99."""
    seconds = int(seconds)
    return "%02d:%02d:%02d" % (seconds // 3600, seconds // 60 % 60, seconds % 60)


def party(tag, kind, gsnumber, name):
    """performed_by or destination."""
    return '    <%s type="%s" gsnumber="%d">%s</%s>\n' % (
        tag, kind, gsnumber, esc(name), tag)


def data(*pairs):
    """One <data> with a <value> for each (name, text)."""
    return "    <data>\n%s        </data>\n" % "".join(
        ['            <value name="%s" value="%s" />\n' % (name, esc_value(text))
         for name, text in pairs])


def event(seconds, kind, *parts):
    if parts:
        return '<event timestamp="%d" event_type="%s" >\n%s</event>\n' % (
            seconds, kind, "".join(parts))
    return '<event timestamp="%d" event_type="%s" >\n\n    </event>\n' % (
        seconds, kind)


def allowed(text):
    """Whether XML 1.0 allows every character of the text."""
    return not any(c < " " and c not in "\t\n\r" or c in "\ufffe\uffff"
                   or "\ud800" <= c <= "\udfff" for c in text)


def body(text):
    """<body>, or <encoded_body> in lines of 76 if XML forbids a character."""
    if allowed(text):
        return "    <body>%s</body>\n" % esc(text).replace("\r", "&#13;")
    lines = base64.encodebytes(text.encode("utf-8", "surrogatepass"))
    return "    <encoded_body>%s</encoded_body>\n" % lines.decode().strip()


def system_information(categories):
    """Categories are (name, heads, rows); the form of the heads varies, because
    published samples differ: name attribute, text alone, id, or none.
    """
    out = ["    <system_information>\n"]
    for style, (name, heads, rows) in enumerate(categories):
        out.append('        <category name="%s">\n' % esc_value(name))
        ids = ["f%d" % i for i in range(len(heads))]
        if style % 4 == 0:
            first = ['<field name="%s">%s</field>' % (i, h)
                     for i, h in zip(ids, heads)]
            cell = ['<field name="%s">' % i for i in ids]
        elif style % 4 == 1:
            first = ["<field>%s</field>" % h for h in heads]
            cell = ["<field>"] * len(heads)
        elif style % 4 == 2:
            first = ['<field id="%s" name="%s" />' % (i, h)
                     for i, h in zip(ids, heads)]
            cell = ['<field id="%s">' % i for i in ids]
        else:
            first = []
            cell = ['<field name="%s">' % h for h in heads]
        if first:
            out.append("            <description>\n                %s\n"
                       "            </description>\n"
                       % "\n                ".join(first))
        if rows:
            out.append("            <data>\n")
            for row in rows:
                out.append("                <row>\n")
                for head, text in zip(cell, row):
                    out.append("                    %s%s</field>\n"
                               % (head, esc(text)))
                out.append("                </row>\n")
            out.append("            </data>\n")
        out.append("        </category>\n")
    out.append("    </system_information>\n")
    return "".join(out)
