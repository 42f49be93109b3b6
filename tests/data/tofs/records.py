"""Record streams for the tests of praic-tofs, written as praic-records(5) says.

    from records import Report, Files
    with Report() as s:
        s.session('l1', external_key='CHG-1')
    with Files() as s:
        s.backup('2026-01-02T03:04:05Z', 'spooled-name', b'content')

Standard output unless another file is given.
"""
import hashlib
import sys

SESSION = ('host_name lsid type start_time end_time duration file_transfers external_key '
           'public_site_id public_site_name lseq file_moves file_deletes jump_group_id '
           'jump_group_name jump_group_type jumpoint_id jumpoint_name').split()
EVENT = ('seq type event_time performed_by performed_by_type destination '
         'destination_type performed_by_gs_number destination_gs_number').split()
FILE = 'kind instance name extension media_type bytes sha256 fetched_at'.split()
URI = 'https://example.org/reporting'
ESCAPES = str.maketrans({'\t': '\\t', '\n': '\\n', '\r': '\\r', '\\': '\\\\'})
PIECE = 9000    # characters of XML in an X line: 32 KB even if all are of 3 bytes


def escape(value):
    return '\\N' if value is None else str(value).translate(ESCAPES)


def xml_text(text):
    text = ''.join(c if c in '\t\n\r' or c >= ' ' else '?' for c in text)
    return text.replace('&', '&amp;').replace('<', '&lt;').replace('"', '&quot;')


class Stream:
    tables = {}

    def __init__(self, out=None, host='access.example.com', left_out=0):
        self.out = out or open(1, 'wb', closefd=False)
        self.host = host
        self.left_out = left_out
        self.sessions = 0
        self.line('praic-records', '1')
        for name, columns in self.tables.items():
            self.line('H', name, *columns)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.line('Z', self.sessions, self.left_out)
            self.out.flush()

    def line(self, *fields):
        self.out.write('\t'.join(map(str, fields)).encode() + b'\n')

    def row(self, table, **values):
        self.rows += 1
        self.line('R', table, *(escape(values.get(c)) for c in self.tables[table]))

    def begin(self, lsid, host=None):
        self.lsid, self.now_host, self.rows = lsid, host or self.host, 0
        self.line('S', escape(self.now_host), escape(lsid))

    def end(self, xml_bytes=0, **values):
        values.setdefault('type', 'support')
        values.setdefault('start_time', '2026-01-01T10:00:00Z')
        values.setdefault('end_time', '2026-01-01T11:15:09Z')
        self.row('session', host_name=self.now_host, lsid=self.lsid, **values)
        self.line('E', escape(self.lsid), self.rows, xml_bytes)
        self.sessions += 1


class Report(Stream):
    """What praic-split writes, as far as praic-tofs looks at it."""
    tables = {'session': SESSION, 'session_event': EVENT}

    def session(self, lsid, xml=None, body='', host=None, **values):
        if xml is None:
            xml = ('<session xmlns="%s" lsid="%s"><external_key>%s</external_key>%s</session>'
                   % (URI, xml_text(lsid), xml_text(values.get('external_key') or ''),
                      xml_text(body)))
        self.begin(lsid, host)
        self.row('session_event', seq=1, type='Session Start')
        for i in range(0, len(xml), PIECE):
            self.line('X', escape(xml[i:i + PIECE]))
        self.end(len(xml.encode()), **values)
        return xml


class Files(Stream):
    """What praic-fetch writes beside its spool."""
    tables = {'session': SESSION, 'file': FILE}

    def spooled(self, kind, name, content, instance=None, extension='flv', **values):
        values.setdefault('bytes', len(content))
        values.setdefault('sha256', hashlib.sha256(content).hexdigest())
        values.setdefault('fetched_at', '2026-01-01T12:00:00Z')
        self.row('file', kind=kind, instance=instance, name=name, extension=extension,
                 media_type='application/octet-stream', **values)
        with open(self.spool + '/' + name, 'wb') as f:
            f.write(content)

    def backup(self, fetched_at, name, content, **values):
        self.begin('', values.pop('host', None))
        self.spooled('backup', name, content, extension='nsb', fetched_at=fetched_at, **values)
        self.end(start_time=None, end_time=None, type=None)


def saved(xml, host='access.example.com', uri=URI, prefix=''):
    """The document that a session is to be saved as."""
    declares = '' if uri is None else ' xmlns%s="%s"' % (prefix and ':' + prefix, uri)
    root = (prefix and prefix + ':') + 'session_list'
    return ('<?xml version="1.0" encoding="UTF-8"?>\n<?praic-site %s?>\n<%s%s>%s</%s>\n'
            '<?praic-end documents="1"?>\n' % (host, root, declares, xml, root)).encode()


def main():
    """N sessions, for tests in the shell: records.py N [bytes of each body]"""
    size = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    with Report() as s:
        for i in range(int(sys.argv[1])):
            s.session('%032x' % i, body='x' * size, lseq=i, external_key='CHG-%d' % (i % 7))


if __name__ == '__main__':
    main()
