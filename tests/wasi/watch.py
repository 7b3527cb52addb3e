# SPDX-License-Identifier: Apache-2.0
"""Proves that nothing touched a directory: a snapshot of all that the kernel remembers of each object (contents,
inode, links, mode, times: the access time tells reading), and inotify, which reports what left no trace."""
import ctypes
import os
import stat
import struct

LONG_AGO_NS = 1_000_000_000 * 10**9  # so that even relatime writes the first access
EVENT_HEADER = struct.Struct("iIII")
IN_NONBLOCK, IN_CLOEXEC = os.O_NONBLOCK, os.O_CLOEXEC
IN_ALL_EVENTS, IN_DONT_FOLLOW, IN_IGNORED = 0xFFF, 0x2000000, 0x8000
EVENT_NAMES = {
    0x1: "access", 0x2: "modify", 0x4: "attrib", 0x8: "close after writing", 0x10: "close", 0x20: "open",
    0x40: "moved from", 0x80: "moved to", 0x100: "create", 0x200: "delete", 0x400: "delete self",
    0x800: "move self",
}  # fmt: skip


def tree(root):
    """The path and all beneath it. Links are not followed, also not to see what they name: that would be access."""
    yield root
    if stat.S_ISDIR(os.lstat(root).st_mode):
        for name in sorted(os.listdir(root)):
            yield from tree(root / name)


def content_of(path):
    descriptor = os.open(path, os.O_RDONLY | os.O_NOATIME | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


def facts_of(path):
    status = os.lstat(path)
    facts = {
        "inode": status.st_ino, "mode": status.st_mode, "links": status.st_nlink, "size": status.st_size,
        "owner": (status.st_uid, status.st_gid), "accessed": status.st_atime_ns,
        "modified": status.st_mtime_ns, "changed": status.st_ctime_ns,
    }  # fmt: skip
    if stat.S_ISREG(status.st_mode):
        facts["content"] = content_of(path)
    return facts


def differences(before, after):
    """Lines about what is not as it was."""
    found = [f"{path}: is gone" for path in before if path not in after]
    found += [f"{path}: is new" for path in after if path not in before]
    for path in before:
        for key, value in before[path].items():
            now = after.get(path, {}).get(key, value)
            if now != value:
                found.append(f"{path}: {key}: {value!r} became {now!r}")
    return found


class Inotify:
    """Watches every object of some paths; `events()` gives what has happened since the last call."""

    def __init__(self, paths):
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = self._libc.inotify_init1(IN_NONBLOCK | IN_CLOEXEC)
        if self.descriptor < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        self._paths = {}
        for path in paths:
            watch = self._libc.inotify_add_watch(
                self.descriptor, os.fsencode(path), IN_ALL_EVENTS | IN_DONT_FOLLOW
            )
            if watch < 0:
                raise OSError(ctypes.get_errno(), f"inotify_add_watch {path}")
            self._paths[watch] = str(path)

    def close(self):
        os.close(self.descriptor)

    def events(self):
        """Triples of (watched path, name inside of it or "", event)."""
        found = []
        while True:
            try:
                data = os.read(self.descriptor, 1 << 16)
            except BlockingIOError:
                return found
            at = 0
            while at < len(data):
                watch, mask, _, length = EVENT_HEADER.unpack_from(data, at)
                at += EVENT_HEADER.size
                name = data[at : at + length].rstrip(b"\0").decode(errors="replace")
                at += length
                for bit, event in EVENT_NAMES.items():
                    if mask & bit:
                        found.append((self._paths[watch], name, event))


class Watch:
    """Guards all of the directory `root` but what is beneath the names in `granted`. Whoever opens a grant opens
    the directory itself: that, and no more, may be seen of those."""

    FAIR = ("open", "close", "access", "attrib")

    def __init__(self, root, granted):
        self.root, self.granted = root, granted
        self._inotify = Inotify(self._guarded())
        self._forget()

    def close(self):
        self._inotify.close()

    def facts(self):
        """What is known of each guarded thing, by path."""
        return self._before

    def _guarded(self):
        yield self.root
        for name in sorted(os.listdir(self.root)):
            if name not in self.granted:
                yield from tree(self.root / name)

    def _forget(self):
        """Puts access times far back, so that even relatime writes the next access, and starts anew."""
        paths = list(self._guarded())
        for path in paths:
            os.utime(path, ns=(LONG_AGO_NS, os.lstat(path).st_mtime_ns), follow_symlinks=False)
        self._before = {str(path): facts_of(path) for path in paths}
        self._inotify.events()

    def findings(self):
        """What happened since the last call: an empty list is the proof."""
        found = [
            f"{path}/{name}: {what}"
            for path, name, what in self._inotify.events()
            if not (path == str(self.root) and name in self.granted and what in self.FAIR)
        ]
        # Facts of what is known come first: looking for new names is access too.
        after = {path: facts_of(path) for path in self._before if os.path.lexists(path)}
        known = set(self._before)
        after |= {str(path): {} for path in self._guarded() if str(path) not in known}
        found += differences(self._before, after)
        self._forget()
        return found
