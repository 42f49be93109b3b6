"""For the tests of praic-tofs: the files with a final name in a directory."""
import hashlib
import os


def digest(path):
    with open(path, 'rb') as f:
        return hashlib.sha256(f.read()).digest()


def files(top):
    for where, folders, names in os.walk(top):
        folders[:] = [f for f in folders if f != '.praic-tmp']
        for name in names:
            if not name.startswith('.praic-'):
                yield os.path.join(where, name)
