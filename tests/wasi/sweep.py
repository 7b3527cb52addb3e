# SPDX-License-Identifier: Apache-2.0
"""Every hostile path with every operation: nothing is expected of an answer but that it tells nothing of the outside.
What an answer should be is for cases.txt."""
import fixture

SUFFIXES = ["/secret", "/file", "/dir/file", "/absent", "/..", "/../", "/../secret", "/../outside/file", "/../outside",
            "/../../outside/file", "/./", "/.", "//", "/", ""]  # fmt: skip
LITERALS = [
    "", ".", "..", "./", "../", "/", "//", "///", "./..", "../.", "dir/..", "dir/../..", "dir/../../", "dir/sub/../../..",
    "../rw", "../rw/file", "../ro/file", "../secret", "../outside", "../outside/file", "../outside/absent",
    "dir/../../outside/file", "./../outside/file", ".//..//outside//file", "empty/../../outside/file",
    "absent/../../outside/file", "file/../../outside/file", "file/..", "l.file/../../outside/file",
    "/etc/passwd", "//etc/passwd", "/proc/self/root/etc/passwd", "/dev/zero", "/rw/file", "rw/file",
    "\0", "file\0", "fi\0le", "file\0/../../secret", "..\0", "../secret\0", "\0../secret",
    "...", "dir/...", "dir/.../..", ".. ", " ..", "..\n", "..\t/secret", "..\\secret", "..\\..\\etc", "\\", "C:\\", "C:/",
    "%2e%2e/secret", "..%2fsecret", b"\xff\xfe", b"..\xc0\xafsecret", b"\xc0\xae\xc0\xae/secret",
    "\uff0e\uff0e/secret", "..\u2215secret", "..\u200b/secret", "NUL", "con", "file:", "~", "~root", "$HOME", "-", "*",
    "x" * 255, "x" * 256, "x" * 4095, "x" * 4096, "x" * 5000, "/" * 4000, "./" * 2000 + "../secret",
    "dir/../" * 570 + "../secret", "../" * 1300 + "etc/passwd", "a/" * 2047, "l.here/" * 30 + "../secret",
    "l.here/" * 60 + "file", "dir/l.back/" * 20 + "../secret",
]  # fmt: skip
SPECIALS = ["fifo", "fifo/", "socket", "socket/", "device", "device/", "fifo/..", "device/../../secret"]
OFLAGS = ["0", "directory", "trunc", "directory|trunc", "excl", "creat|directory", "creat", "creat|trunc", "creat|excl",
          "creat|excl|trunc"]  # fmt: skip
RIGHTS = ["0", "read|fd_readdir|fd_filestat_get", "write", "all"]


def stems():
    """Names of the fixture, and the literal paths; the links that leave, most of all."""
    links = [path for kind, path, _ in fixture.INSIDE if kind == "link" and not path.startswith("c.")]
    others = ["file", "dir", "dir/sub", "empty", "c.0", f"c.{fixture.LONG_CHAIN - 39}"]
    return links + others


def paths_of(stem):
    return [stem + suffix for suffix in SUFFIXES]


def opens(grant, path):
    for oflags in OFLAGS:
        for rights in RIGHTS:
            for lookup in ("0", "follow"):
                yield "probe", grant, lookup, path, oflags, rights, rights, "nonblock"


def others(grant, other, path):
    """Whatever looks or changes; what removes the path itself comes last."""
    for lookup in ("0", "follow"):
        yield "stat", grant, lookup, path
        yield "times", grant, lookup, path, 5, 6, "atim|mtim"
        yield "times", grant, lookup, path, 0, 0, "atim_now|mtim_now"
        yield "link", grant, lookup, path, "rw", "t.link"
        yield "link", grant, lookup, path, other, "t.link"
    yield "readlink", grant, path
    yield "mkdir", grant, path
    yield "symlink", "file", grant, path
    yield "symlink", path, grant, "t.symlink"
    yield "probe", grant, "follow", "t.symlink", "creat|trunc", "rw", "0", "nonblock"
    yield "unlink", grant, "t.symlink"
    yield "link", "rw", "0", "file", grant, path
    yield "link", "ro", "0", "file", grant, path
    yield "rename", "rw", "t.link", grant, path
    yield "rename", "ro", "file", grant, path
    yield "rename", grant, path, other, "t.moved"
    yield "rename", other, "t.moved", grant, path
    yield "rmdir", grant, path
    yield "unlink", grant, path


def operations(paths, pairs=(("rw", "ro"), ("ro", "rw"))):
    for grant, other in pairs:
        for path in paths:
            yield from opens(grant, path)
        for path in paths:
            yield from others(grant, other, path)


def batches(pairs=(("rw", "ro"), ("ro", "rw"))):
    """Names, and operations for a fresh tree; and whether the host alone has what they speak of."""
    for stem in stems():
        yield stem, list(operations(paths_of(stem), pairs)), False
    for at in range(0, len(LITERALS), 8):
        yield f"literals from {at}", list(operations(LITERALS[at : at + 8], pairs)), False
    yield "what is no file", list(operations(SPECIALS, pairs)), True
