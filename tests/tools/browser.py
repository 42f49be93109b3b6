"""A headless Chromium for tests, controlled with the DevTools protocol over a pipe.

    from browser import Browser
    with Browser() as b:
        b.open('/path/page.html', width=1200)
        b.js('document.title')
        b.said      # messages of the console, the log and exceptions
        b.asked     # the requested URLs
"""
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
import queue


def find():
    return os.environ.get('PRAIC_CHROMIUM') or shutil.which('chromium') or shutil.which('chromium-browser')


class Browser:
    def __enter__(self):
        self.dir = tempfile.mkdtemp()
        to_read, to_write = os.pipe()
        from_read, from_write = os.pipe()

        def set_fds():
            # dup2 for one of them must not close the other.
            a, b = os.dup(to_read), os.dup(from_write)
            a, b = os.dup(a), os.dup(b)
            os.dup2(a, 3)
            os.dup2(b, 4)
        # A proxy that does not exist: only files can be loaded.
        self.process = subprocess.Popen(
            [find(), '--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars',
             '--remote-debugging-pipe', '--no-first-run', '--disable-background-networking',
             '--user-data-dir=' + self.dir, 'about:blank'],
            preexec_fn=set_fds, close_fds=False, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(from_write)
        self.to, self.messages, self.n = to_write, queue.Queue(), 0
        threading.Thread(target=self.listen, args=(from_read,), daemon=True).start()
        self.said, self.asked, self.session = [], [], None
        target = self.call('Target.createTarget', url='about:blank')['targetId']
        self.session = self.call('Target.attachToTarget', targetId=target, flatten=True)['sessionId']
        for domain in 'Page', 'Runtime', 'Log', 'Network':
            self.call(domain + '.enable')
        return self

    def __exit__(self, *_):
        try:
            self.session = None
            self.call('Browser.close')
            self.process.wait(20)
        except Exception:
            os.killpg(self.process.pid, 9)
            self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def listen(self, fd):
        with os.fdopen(fd, 'rb') as f:
            rest = b''
            while piece := os.read(f.fileno(), 1 << 20):
                *whole, rest = (rest + piece).split(b'\0')
                for message in whole:
                    self.messages.put(json.loads(message))
        self.messages.put(None)

    def note(self, m):
        method, p = m.get('method'), m.get('params', {})
        if method == 'Runtime.consoleAPICalled':
            self.said.append(' '.join(str(a.get('value')) for a in p['args']))
        elif method == 'Runtime.exceptionThrown':
            self.said.append('exception: ' + json.dumps(p['exceptionDetails']))
        elif method == 'Log.entryAdded':
            self.said.append(p['entry']['text'])
        elif method == 'Network.requestWillBeSent':
            self.asked.append(p['request']['url'])
        elif method == 'Page.javascriptDialogOpening':
            self.said.append('dialog: ' + p['message'])
            self.call('Page.handleJavaScriptDialog', accept=True)
        return method

    def next(self):
        m = self.messages.get(timeout=120)
        if m is None:
            raise SystemExit('the browser has gone')
        return m

    def call(self, method, **params):
        self.n += 1
        n, m = self.n, {'id': self.n, 'method': method, 'params': params}
        if self.session:
            m['sessionId'] = self.session
        os.write(self.to, json.dumps(m).encode() + b'\0')
        while True:
            m = self.next()
            if m.get('id') == n:
                if 'error' in m:
                    raise SystemExit('%s: %s' % (method, m['error']))
                return m['result']
            if self.note(m) == 'Page.loadEventFired':
                self.loaded = True

    def open(self, path, width=1200, height=900, dark=False, media=''):
        self.said, self.asked, self.loaded = [], [], False
        self.call('Emulation.setDeviceMetricsOverride', width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 600)
        self.call('Emulation.setEmulatedMedia', media=media, features=[
            {'name': 'prefers-color-scheme', 'value': 'dark' if dark else 'light'}])
        url = path if ':' in path else 'file://' + os.path.abspath(path)
        self.call('Page.navigate', url=url)
        while not self.loaded:
            if self.note(self.next()) == 'Page.loadEventFired':
                self.loaded = True
        time.sleep(0.05)  # for late messages
        self.js('0')

    def js(self, expression):
        r = self.call('Runtime.evaluate', expression=expression, returnByValue=True,
                      awaitPromise=True, userGesture=True)
        if 'exceptionDetails' in r:
            raise SystemExit('%s: %s' % (expression, r['exceptionDetails']))
        return r['result'].get('value')

    def key(self, key, code=None, text=None):
        codes = {'Tab': 9, 'Enter': 13, ' ': 32, 'ArrowDown': 40}
        p = {'key': key, 'code': code or key, 'windowsVirtualKeyCode': codes.get(key, ord(key[0].upper()))}
        text = text if text is not None else {'Enter': '\r', 'Tab': ''}.get(key, key)
        self.call('Input.dispatchKeyEvent', type='keyDown', **p, **({'text': text} if text else {}))
        self.call('Input.dispatchKeyEvent', type='keyUp', **p)

    def shot(self, path, whole=True):
        import base64
        r = self.call('Page.captureScreenshot', captureBeyondViewport=whole, format='png')
        with open(path, 'wb') as f:
            f.write(base64.b64decode(r['data']))
