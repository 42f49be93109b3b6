"""praic-split whose input and output somebody made non-blocking."""
import fcntl
import os
import subprocess
import sys
import threading
import time

N = 4000
XML = b'<session_list>' + b''.join(
    b'<session lsid="%d"><external_key>%s</external_key></session>' % (i, b'k' * 500)
    for i in range(N)) + b'</session_list>'


def nonblocking(fd):
    fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_NONBLOCK)


stdin, feed = os.pipe()
drain, stdout = os.pipe()
nonblocking(stdin)
nonblocking(stdout)
p = subprocess.Popen([os.environ['split'], '-n', '-H', 'h'], stdin=stdin, stdout=stdout)
os.close(stdin)
os.close(stdout)
time.sleep(.2)


def write():
    at = 0
    while at < len(XML):
        at += os.write(feed, XML[at:at + 100000])
    os.close(feed)


threading.Thread(target=write).start()
time.sleep(.3)
out = b''
while block := os.read(drain, 65536):
    out += block
code = p.wait()
print('exit code', code)
sys.exit(code != 0 or not out.endswith(b'\nZ\t%d\t0\n' % N))
