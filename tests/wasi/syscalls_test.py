#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The guests of escape_test.py once more, with the system calls of their process watched: not even a stat(2) goes
outside a grant. Environment: as escape_test.py."""
import os
import pathlib
import sys
import tempfile
import unittest

import cases
import fixture
import guest
import sweep
import syscalls
from escape_test import HOST_WAYS, SHARE, WAYS, Attack

LEFT_OUT = 48 * SHARE  # of so many operations one is made: tracing makes them some ten times slower


def setUpModule():
    if not syscalls.can_trace():
        raise unittest.SkipTest("this host does not let processes trace others")


class SyscallTest(Attack):
    def judge(self, operations, way):
        self.tree.refresh()
        lines = [guest.line_of(operation[0], self.tree.DESCRIPTORS, *operation[1:]) for operation in operations]
        grants = [self.tree.root / name for name in self.tree.GRANTS]
        _, judge = syscalls.watched(lines, self.tree.command(way), grants, WAYS[way])
        self.assertTrue(judge.has_begun)
        self.assertEqual(judge.findings[:5], [])
        return judge.judged

    def test_cases(self):
        steps = [case.steps for case in cases.load(pathlib.Path(__file__).with_name("cases.txt"))]
        for way in WAYS:
            with self.subTest(way):
                judged = sum(self.judge([step.operation for step in some], way) for some in steps)
                print(f"\n{way}: {judged} system calls judged")
                # In memory only the input is read.
                self.assertGreater(judged, 1000 if way in HOST_WAYS else len(steps))

    def test_sweep(self):
        judged = 0
        for number, (title, operations, _) in enumerate(sweep.batches()):
            for way in HOST_WAYS:
                with self.subTest(title, way=way):
                    judged += self.judge(operations[number % LEFT_OUT :: LEFT_OUT], way)
        print(f"\n{judged} system calls judged")
        self.assertGreater(judged, 10000)


# Does what a runtime must not, after it has read the marker. The grant is descriptor `grant`.
TRESPASSER = """
import ctypes, os, sys
root = sys.argv[1]
grant = os.open(root + "/rw", os.O_RDONLY)
libc = ctypes.CDLL(None, use_errno=True)
class How(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("flags", "mode", "resolve")]
def openat2(directory, path, resolve):
    return libc.syscall(437, directory, path, ctypes.byref(How(0, 0, resolve)), 24)
os.readv(0, [bytearray(1 << 16)])
try:
    exec(sys.argv[2])
except OSError:
    pass
"""
TRESPASSES = [
    'os.stat(root + "/secret")',
    'os.stat(root + "/absent")',
    'os.stat("/")',
    'os.stat("x")',
    'os.stat(root + "/rw/file")',
    'os.stat("file", dir_fd=grant)',
    'os.stat("dir/file", dir_fd=grant, follow_symlinks=False)',
    'os.stat("..", dir_fd=grant, follow_symlinks=False)',
    'os.access("file", os.R_OK, dir_fd=grant)',
    'os.open("file", os.O_RDONLY, dir_fd=grant)',
    'os.open("dir/file", os.O_RDONLY | os.O_NOFOLLOW, dir_fd=grant)',
    'os.open(root + "/outside", os.O_RDONLY)',
    'os.mkdir("dir/new", dir_fd=grant)',
    'os.rename("file", root + "/rw/other", src_dir_fd=grant)',
    'os.link("l.file", "new", src_dir_fd=grant, dst_dir_fd=grant, follow_symlinks=True)',
    'os.symlink("/etc/passwd", "new", dir_fd=grant)',
    'os.readlink(root + "/rw/l.file")',
    'os.utime(root + "/rw/file")',
    "os.chdir(root)",
    "os.fchdir(grant)",
    'openat2(grant, b"file", 0)',
    'openat2(grant, b"file", 0x8)',
    'openat2(grant, b"../secret", 0x2)',
    'openat2(-100, b"file", 0xa)',
    'openat2(os.dup(0), b"file", 0xa)',
    'import socket; socket.socket()',
]  # fmt: skip
FAIR = [
    'openat2(grant, b"dir/../file", 0xa)',
    'openat2(grant, b"../secret", 0xa)',
    'openat2(openat2(grant, b"dir", 0xa), b"file", 0xa)',
    'os.stat("file", dir_fd=grant, follow_symlinks=False)',
    'os.open("file", os.O_RDONLY | os.O_NOFOLLOW, dir_fd=grant)',
    'os.rename("file", "other", src_dir_fd=grant, dst_dir_fd=grant)',
    "os.fstat(grant)",
]


class JudgeTest(unittest.TestCase):
    """The judge finds what the tests above claim not to happen."""

    def findings(self, text):
        with tempfile.TemporaryDirectory(prefix="wasi-judge-", dir=fixture.scratch_directory()) as folder:
            tree = fixture.Tree(pathlib.Path(folder).resolve())
            log, program = tree.root / "log", tree.root / "program.py"
            program.write_text(TRESPASSER)
            # Without site modules: imports would be findings.
            command = [*syscalls.STRACE, "-o", str(log), sys.executable, "-I", "-S", str(program), str(tree.root), text]
            reading, writing = os.pipe()
            os.write(writing, syscalls.BEGIN.encode())
            os.close(writing)
            with os.fdopen(reading, "rb") as marker:
                syscalls.subprocess.run(command, stdin=marker, check=True, cwd=tree.root)
            judge = syscalls.Judge([tree.root / "rw"])
            with open(log, errors="surrogateescape") as lines:
                for _, *call in syscalls.calls_of(lines):
                    judge.see(*call)
            self.assertTrue(judge.has_begun)
            return judge.findings

    def test_trespasses(self):
        for text in TRESPASSES:
            with self.subTest(text):
                self.assertNotEqual(self.findings(text), [])

    def test_fair_play(self):
        for text in FAIR:
            with self.subTest(text):
                self.assertEqual(self.findings(text), [])


if __name__ == "__main__":
    unittest.main()
