#!/bin/sh
# praic-tohtml's pages in a real browser: text from sessions neither runs nor loads
# anything, the policy blocks foreign code, filters and keyboard work, and the console
# stays empty.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

export PYTHONPATH="$top/tests/tools" PYTHONDONTWRITEBYTECODE=1
if ! python3 -c 'import browser, sys; sys.exit(not browser.find())'; then
	echo '1..0 # SKIP chromium is not installed'
	exit 0
fi

# Each attack is the value of every text column of one session.
cat >attacks.py <<'EOF2'
ATTACKS = [
    '<script>window.pwned=1</script>', '<img src=x onerror="window.pwned=1">',
    '<svg onload=window.pwned=1>', '"><script>window.pwned=1</script>',
    "'><img src='http://127.0.0.1:9/q' onerror='window.pwned=1'>", '" onmouseover="window.pwned=1" x="',
    "' autofocus onfocus='window.pwned=1", '</title><script>window.pwned=1</script>',
    '</style><script>window.pwned=1</script>', '</script><script>window.pwned=1</script>',
    '<!-- end of recordings -->', '--><script>window.pwned=1</script><!--',
    'javascript:window.pwned=1', 'data:text/html,<script>window.pwned=1</script>',
    '<a href="javascript:window.pwned=1">x</a>', '<iframe src="http://127.0.0.1:9/f"></iframe>',
    '<meta http-equiv="refresh" content="0;url=http://127.0.0.1:9/r">',
    '<link rel=stylesheet href=http://127.0.0.1:9/c>', '<base href="http://127.0.0.1:9/">',
    '<form action=http://127.0.0.1:9/><input type=submit>', '<style>*{background:url(http://127.0.0.1:9/s)}</style>',
    '&lt;script&gt;window.pwned=1&lt;/script&gt;', '&#60;img src=x onerror=window.pwned=1&#62;',
    '&lt', '&#x0;&#xd800;', '%3Cscript%3Ewindow.pwned=1%3C/script%3E', '//127.0.0.1:9/x', 'http://127.0.0.1:9/x',
    '../../../../etc/passwd', '{{constructor.constructor("window.pwned=1")()}}', '${window.pwned=1}',
    'a\u202etxt.exe', '\u2066x\u2069\u200f\u061c', '\u2028\u2029', '\ufeff\u200b\u00ad', '\U000e0041\U000e007f',
    '<\u0130mg src=x onerror=window.pwned=1>', '\uff1cscript\uff1ewindow.pwned=1', '`-window.pwned=1-`',
    '<math><mtext></p><img src=x onerror=window.pwned=1>', '<noscript><p title="</noscript><img src=x onerror=window.pwned=1>">',
    '<template><script>window.pwned=1</script>', '<video src=http://127.0.0.1:9/v autoplay>', '<object data=http://127.0.0.1:9/o>',
    '<details open ontoggle=window.pwned=1>', ' \t\n<b>', '\r\n\r\n<b>', "\\';window.pwned=1//", '\x7f\x85\x9b',
    '<row><field name="x"><img src=x onerror=window.pwned=1></field></row>', 'x' * 3000 + '<img src=x onerror=window.pwned=1>',
]
TABLES = {
    'session': 'host_name lsid type start_time end_time duration external_key public_site_name jump_group_name jump_group_type jumpoint_name',
    'user': 'gs_number user_name display_name public_display_name public_ip private_ip is_primary host_name operating_system',
    'team': 'name', 'customer': 'gs_number issue issue_description display_name company_name company_code public_ip private_ip host_name operating_system user_name',
    'custom_attribute': 'display_name code_name value',
    'session_event': 'seq type event_time performed_by performed_by_type destination destination_type',
    'session_event_data': 'event_seq seq name value', 'system_information': 'event_seq category information', 'recording': 'kind instance'}
FIXED = {'host_name': 'h.example', 'start_time': '2026-01-02T03:04:05Z', 'end_time': '2026-01-02T04:04:05Z',
         'event_time': '2026-01-02T03:05:05Z', 'gs_number': '7', 'is_primary': '1', 'instance': '1'}
TYPES = ['Chat Message', 'Remote Shell Event', 'Command Shell Session Started', 'File Download', 'File Moved',
         'Session Foreground Window Changed', 'Registry Value Added', 'Credential Injection Attempt', 'Session Note Added',
         'Jump Item Authorization Request', None]
NAMES = ['body', 'text', 'filename', 'filesize', 'new_path', 'exeName', 'credential_name', 'request_reason', None]


def escape(t):
    return t.replace('\\', '\\\\').replace('\t', '\\t').replace('\n', '\\n').replace('\r', '\\r')


def stream():
    out = ['praic-records\t1']
    for t, columns in TABLES.items():
        out.append('H\t%s\t%s' % (t, columns.replace(' ', '\t')))

    def row(t, **values):
        cells = []
        for c in TABLES[t].split():
            v = values[c] if c in values else attack if c not in FIXED or (c == 'host_name' and t != 'session') else FIXED[c]
            cells.append(escape(str(v)))
        out.append('R\t%s\t%s' % (t, '\t'.join(cells)))
        rows.append(1)
    for i, attack in enumerate(ATTACKS):
        for lsid in ('s%d' % i, attack):
            rows, seq = [], 0
            out.append('S\th.example\t%s' % escape(lsid))
            row('recording', kind='recording')
            row('recording')
            row('customer')
            row('custom_attribute')
            for type in TYPES:
                for by in 'representative', 'customer':
                    seq += 1
                    row('session_event', seq=seq, type=attack if type is None else type, performed_by_type=by)
                    for n, name in enumerate(NAMES):
                        row('session_event_data', event_seq=seq, seq=n + 1, name=attack if name is None else name)
            xml = attack.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;').replace('"', '&quot;')
            row('system_information', event_seq=seq, information='<row><field name="%s">%s</field></row>' % (xml, xml))
            row('system_information', event_seq=seq)
            row('team')
            row('user')
            row('session', lsid=lsid)
            out.append('E\t%s\t%d\t0' % (escape(lsid), len(rows)))
    out.append('Z\t%d\t0\n' % (2 * len(ATTACKS)))
    return '\n'.join(out).encode()
EOF2
python3 -c 'import attacks, sys; sys.stdout.buffer.write(attacks.stream())' >attacks.rec
mkdir x kept
run 0 "attacks, on one page" "$tohtml" attacks.rec
mv out attacks.html
: >kept/.praic-ledger
printf 'praic-ledger\t1\n' >kept/.praic-ledger
python3 - >>kept/.praic-ledger <<'EOF2'
import attacks, sys
for i, a in enumerate(attacks.ATTACKS):
    name = ''.join(c for c in a if c >= ' ' and c != '\\').strip('/').replace('../', '') or 'x'
    sys.stdout.write('2026-01-01T00:00:00Z\th.example\trecording\ts%d\t\\N\t%s.mp4\t5\t%s\t%s\n' % (i, name[:100], a.split()[0][:9] if a.split() else 'x', '0' * 64))
EOF2
run 0 "in a directory" "$tohtml" -d x --files kept attacks.rec
if command -v tidy >/dev/null; then
	check "all pages are valid" sh -c 'for f in attacks.html $(find x -name "*.html"); do tidy -q -e --drop-empty-elements no "$f" || exit; done'
fi

cat >xss.py <<'EOF2'
import attacks
import glob
import re
import sys
import unicodedata
from browser import Browser
bad = []


def must(true, what):
    if not true:
        bad.append(what)


def shown(a):
    """The text as the page shows it."""
    hidden = lambda c: (ord(c) < 32 and c not in '\t\n') or 0x7f <= ord(c) < 0xa0 or ord(c) in (0xad, 0x61c, 0x200b, 0x200e, 0x200f, 0xfeff) \
        or 0x2028 <= ord(c) <= 0x202e or 0x2060 <= ord(c) <= 0x206f or 0xe0000 <= ord(c) <= 0xe007f
    return ''.join('U+%04X' % ord(c) if hidden(c) else c for c in a.replace('\r\n', '\n'))


with Browser() as b:
    pages = ['attacks.html', 'x/index.html', 'x/h.example/2026/01/index.html'] + sorted(glob.glob('x/h.example/2026/01/s*.html'))[::4]
    must(len(pages) > 3 + len(attacks.ATTACKS) / 5, 'pages: %d' % len(pages))
    for page in pages:
        b.open(page)
        must(b.said == [], '%s: said %s' % (page, b.said[:3]))
        # The pictures are those of the browser's own player.
        must(all(u.startswith('file://') and u.endswith('.html') or u.startswith('data:image/svg+xml;base64,') for u in b.asked),
             '%s: asked for %s' % (page, [u[:80] for u in b.asked[:5]]))
        must(b.js('window.pwned') is None, page + ': a script ran')
        odd = b.js('Array.from(document.querySelectorAll("img,iframe,object,embed,base,link,form:not(.filter),math,noscript,template,[onerror],[onload],[onfocus],[onmouseover],[ontoggle],[style],script ~ script,meta[http-equiv=refresh]"), e => e.outerHTML).slice(0, 3)')
        must(odd == [], '%s: elements %s' % (page, odd))
        links = b.js('Array.from(document.querySelectorAll("[href],[src]"), e => e.href || e.src)')
        must(all(u.startswith('file://') and '127.0.0.1' not in u.split('%')[0].split('/kept/')[0] for u in links), page + ': a link leads away')
    b.open('attacks.html')
    text = b.js('document.documentElement.textContent')
    for a in attacks.ATTACKS:
        must(shown(a) in text, 'not shown: %r' % a)
    # Click, focus and hover everything.
    b.js('document.querySelectorAll("details").forEach(d => d.open = true)')
    b.js('document.querySelectorAll("a,summary,input,u,bdi").forEach(e => { e.focus(); e.dispatchEvent(new MouseEvent("mouseover", {bubbles: true})); })')
    must(b.js('window.pwned') is None, 'a script ran')

    # The policy blocks everything that is not part of the page.
    b.open('x/index.html')
    b.js('''window.blocked = []; addEventListener("securitypolicyviolation", e => blocked.push(e.effectiveDirective));
        {let s = document.createElement("script"); s.textContent = "window.pwned = 2"; document.body.append(s);
        s = document.createElement("script"); s.src = "x.js"; document.body.append(s);
        s = document.createElement("style"); s.textContent = "body{display:none}"; document.head.append(s);
        s = document.createElement("div"); s.setAttribute("style", "color:red"); s.setAttribute("onclick", "window.pwned = 3"); document.body.append(s); s.click();
        s = document.createElement("img"); s.src = "data:image/gif;base64,R0lGODlhAQABAAAAACw="; document.body.append(s);
        s = document.createElement("iframe"); s.src = "data:text/html,x"; document.body.append(s);
        s = document.createElement("video"); s.src = "http://127.0.0.1:9/v"; document.body.append(s);
        s = document.createElement("base"); s.href = "http://127.0.0.1:9/"; document.head.append(s);
        s = document.createElement("form"); s.action = "http://127.0.0.1:9/"; document.body.append(s); s.submit();
        fetch("http://127.0.0.1:9/").catch(() => 0);}
        new Promise(r => setTimeout(r, 300))''')
    blocked = set(b.js('blocked'))
    for d in 'script-src-elem', 'script-src-attr', 'style-src-elem', 'style-src-attr', 'img-src', 'frame-src', 'media-src', 'base-uri', 'form-action', 'connect-src':
        must(d in blocked, 'not blocked: ' + d)
    must(b.js('window.pwned') is None and b.js('getComputedStyle(document.body).display') == 'block', 'something ran')
    # The policy allows a recording beside the pages (the test's is not a valid mp4).
    b.open(glob.glob('x/h.example/2026/01/s0.html')[0])
    b.js('document.querySelector("video").load(); new Promise(r => setTimeout(r, 300))')
    b.js('document.querySelector("video").play().catch(() => 0); new Promise(r => setTimeout(r, 300))')
    must(any('/kept/' in u for u in b.asked), 'the recording was not asked for: %s' % b.asked)
    must(not any('Content' in s for s in b.said), 'the recording is blocked: %s' % b.said)
print('\n'.join(bad[:20]))
sys.exit(bool(bad))
EOF2
check "no attack runs, loads or hides anything; the policy blocks foreign code" python3 xss.py

# The index of a month with 3,000 sessions: filter, keyboard, paper, phone, dark colours.
python3 - >month.rec <<'EOF2'
print('praic-records\t1\nH\tsession\thost_name\tlsid\ttype\tstart_time\tend_time\texternal_key\tjump_group_name\tover')
print('H\tuser\tuser_name\tdisplay_name\nH\tcustomer\tdisplay_name\nH\trecording\tkind')
for i in range(3000):
    over = i % 50 != 0
    print('S\th.example\tl%04d\nR\tcustomer\tendpoint-%d' % (i, i % 97))
    if i % 7:
        print('R\trecording\trecording')
    print('R\tuser\tuser%d@vendor.example\tPerson %s the %dth' % (i % 60, 'ABCDEF'[i % 6] * 9, i % 60))
    print('R\tsession\th.example\tl%04d\tsupport\t2026-01-%02dT%02d:%02d:00Z\t%s\tCHG-%d\tGroup %d\t%d' % (
        i, i % 31 + 1, i % 24, i % 60, '2026-02-01T00:00:00Z' if over else '\\N', i // 3, i % 5, over))
    print('E\tl%04d\t%d\t0' % (i, 3 + (i % 7 > 0)))
print('Z\t3000\t0')
EOF2
mkdir m
"$tohtml" -d m month.rec
python3 - >long.rec <<'EOF2'
print('praic-records\t1\nH\tsession\thost_name\tlsid\tstart_time\tend_time\nH\tsession_event\tseq\ttype\tevent_time\nS\th\tlong')
for i in range(40000):
    print('R\tsession_event\t%d\t%s\t2026-01-01T%02d:%02d:%02dZ' % (i + 1, 'Session Mouse Left Clicked' if i % 2 else 'None', i // 7200, i // 120 % 60, i // 2 % 60))
print('R\tsession\th\tlong\t2026-01-01T00:00:00Z\t\\N\nE\tlong\t40001\t0\nZ\t1\t0')
EOF2
"$tohtml" long.rec >long.html
"$split" -k 0f1e2d3c4b5a69788796a5b4c3d2e1f0 "$data/split/pra.xml" | "$tohtml" >one.html
cat >use.py <<'EOF2'
import glob
import sys
from browser import Browser
bad = []


def must(true, what):
    if not true:
        bad.append(what)


month = max(glob.glob('m/h.example/*/*/index.html'), key=lambda p: len(open(p).read()))
with Browser() as b:
    visible = 'Array.from(document.querySelectorAll(".sessions tbody tr")).filter(r => r.offsetHeight > 0).length'
    for width, dark in (1200, False), (390, False), (390, True):
        for page in 'm/index.html', month, 'one.html':
            b.open(page, width=width, dark=dark)
            must(b.said == [], '%s: said %s' % (page, b.said))
            must(b.js('document.documentElement.scrollWidth') <= width, '%s: wider than %d' % (page, width))
            must((b.js('getComputedStyle(document.body).backgroundColor') == 'rgb(255, 255, 255)') != dark, page + ': light or dark')
    # By keyboard alone: into the field, a word, the first match.
    b.open(month)
    rows = b.js(visible)
    must(rows > 2900, 'rows: %d' % rows)
    for _ in range(2):
        b.key('Tab')
    must(b.js('document.activeElement.type') == 'search', 'the field is not the second stop')
    word = 'endpoint-42'
    want = b.js('Array.from(document.querySelectorAll(".sessions tbody tr")).filter(r => r.textContent.toLowerCase().includes(%r.toLowerCase())).length' % word)
    for c in word:
        b.key(c)
    must(0 < b.js(visible) == want < rows, 'filter: %s of %d for %s, not %d' % (b.js(visible), rows, word, want))
    must(b.js('document.querySelector("output").textContent') == '%d of %d sessions' % (want, rows), 'the count')
    b.key('Tab')
    b.key(' ')
    must(b.js('document.querySelectorAll(".sessions tbody tr:not([hidden]):not([class*=p])").length') == 0, 'in progress only')
    b.key(' ')
    for _ in range(9):
        if b.js('document.activeElement.tagName') == 'A':
            break
        b.key('Tab')
    href = b.js('document.activeElement.href')
    must(b.js('getComputedStyle(document.activeElement).outlineStyle') == 'solid', 'the focus is not seen')
    b.key('Enter')
    b.js('new Promise(r => setTimeout(r, 500))')
    must(b.js('location.href') == href and href.endswith('.html'), 'Enter follows the link')
    # A session of 40,000 events.
    b.open('long.html')
    must(b.said == [], 'long: said %s' % b.said)
    paint = b.js('performance.getEntriesByType("paint")[0].startTime')
    must(paint < 5000, 'first paint after %d ms' % paint)
    must(b.js('document.querySelectorAll("details.fold").length') == 79, 'folds')
    must(b.js('document.documentElement.scrollHeight') < 60000, 'not folded')
    must(b.js('document.querySelectorAll(".events > li[id]").length') == 40000, 'events')
    seen = 'Array.from(document.querySelectorAll(".events > .w")).slice(0, 200).filter(e => e.offsetHeight > 0).length'
    must(b.js(seen) == 200, 'clicks are seen')
    b.js('document.querySelector(".show .w").click()')
    must(b.js(seen) == 0, 'clicks can be left out')
    # Nothing is hidden on paper.
    # (From a short page: the long one would be laid out for paper first.)
    b.open('one.html')
    b.open('one.html', media='print')
    must(b.js('document.querySelectorAll("nav, fieldset").length') > 0 and
         b.js('Array.from(document.querySelectorAll("nav, fieldset")).every(e => e.offsetHeight == 0)'), 'controls on paper')
    # Without scripts everything is shown, but the filter.
    b.call('Emulation.setScriptExecutionDisabled', value=True)
    b.open(month)
    b.call('Emulation.setScriptExecutionDisabled', value=False)
    must(b.js(visible) == rows and b.js('document.querySelector(".filter").offsetHeight') == 0, 'without a script')
    # Times in the reader's time zone.
    b.call('Emulation.setTimezoneOverride', timezoneId='Asia/Tokyo')
    b.open('one.html')
    must('Asia/Tokyo' in b.js('document.querySelector(".local").textContent'), 'own time')
print('\n'.join(bad))
sys.exit(bool(bad))
EOF2
check "filter by keyboard; big pages; paper, phone, dark colours" python3 use.py
done_testing
