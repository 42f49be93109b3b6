"""Recordings: bytes that depend only on the seed and the session.

They cannot be played. They must have the signature of their format, be large and
fast to make, be reproducible, and differ from each other in each MiB. So each
has a signature, and then repeats one random MiB with a stamp of the recording
and a counter at the start of each.
"""

import hashlib
import random

BLOCK = 1 << 20
FLV = b"FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00"
MP4 = b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41"
TYPES = {"flv": ("video/x-flv", FLV), "mp4": ("video/mp4", MP4)}


class Media:
    """The recordings of one world. sizes: (least, most) bytes."""

    def __init__(self, seed, sizes, container):
        self.seed = seed
        self.least, self.most = sizes
        self.type, self.magic = TYPES[container]
        self.extension = container
        self.edition = 0        # a fault changes it, and with it the bytes
        self.block = random.Random("media:%s" % seed).randbytes(BLOCK)
        self.hashes = {}

    def open(self, lsid, kind, instance, edition=0):
        return Recording(self, lsid, kind, instance, edition)


class Recording:
    def __init__(self, media, lsid, kind, instance, edition=0):
        self.media = media
        name = "%s:%s:%s:%s:%d" % (media.seed, lsid, kind, instance, edition)
        self.id = hashlib.sha256(name.encode()).digest()
        spread = media.most - media.least + 1
        self.size = media.least + int.from_bytes(self.id[:6], "big") % spread
        self.etag = '"%s"' % self.id[6:16].hex()

    def chunks(self, first=0, last=None):
        """Bytes first to last (not included), in pieces up to a MiB.

        A piece is valid until the next one is requested: they share one buffer,
        because allocation would cost more than the rest.
        """
        last = self.size if last is None else last
        magic, block = self.media.magic, self.media.block
        buffer = bytearray(block)
        while first < last:
            number, skip = divmod(first, BLOCK)
            at = len(magic) if number == 0 else 0
            buffer[:64] = block[:64]
            buffer[:at] = magic[:at]
            buffer[at:at + 32] = self.id
            buffer[at + 32:at + 40] = number.to_bytes(8, "big")
            piece = memoryview(buffer)[skip:skip + last - first]
            first += len(piece)
            yield piece

    def sha256(self):
        known = self.media.hashes.get(self.id)
        if known is None:
            h = hashlib.sha256()
            for piece in self.chunks():
                h.update(piece)
            known = self.media.hashes[self.id] = h.hexdigest()
        return known
