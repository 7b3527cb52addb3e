#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The second wall alone: with the first cut (cut_first_wall.cpp), `run --landlock` still lets a guest open, make, cut, move
and remove nothing outside its grants. Environment: as escape_test.py; WASI_CUT_COMMAND names the command without the first
wall."""
import os
import subprocess
import unittest

import guest
from escape_test import Attack

# LeakSanitizer, where it is built in, reads /proc, which Landlock denies the process under test.
os.environ["ASAN_OPTIONS"] = "detect_leaks=0"
CUT_COMMAND = os.environ.get("WASI_CUT_COMMAND", "wasi-cut-command")
READ = "read|fd_readdir|fd_filestat_get"
# Each leaves by ".." or a link, which only openat2 would notice.
TRESPASSES = {
    "reading": ("probe", "rw", "0", "../outside/file", "0", READ, "0", "0"),
    "reading beside": ("probe", "rw", "0", "../secret", "0", READ, "0", "0"),
    "reading by a link": ("probe", "rw", "follow", "x.abs.file", "0", READ, "0", "0"),
    "listing": ("probe", "rw", "0", "../outside/dir", "directory", READ, "0", "0"),
    "listing above": ("probe", "rw", "0", "..", "directory", READ, "0", "0"),
    "writing": ("probe", "rw", "0", "../outside/file", "0", "write", "0", "0"),
    "truncating": ("open", "$a", "rw", "0", "../outside/file", "trunc", "write", "0", "0"),
    "creating": ("open", "$a", "rw", "0", "../outside/new", "creat", "write", "0", "0"),
    "a directory": ("mkdir", "rw", "../outside/newdir"),
    "a link": ("symlink", "file", "rw", "x.outside/newlink"),
    "a hard link out": ("link", "rw", "0", "file", "rw", "../outside/taken"),
    "a hard link in": ("link", "rw", "0", "../outside/file", "rw", "taken"),
    "moving out": ("rename", "rw", "file", "rw", "../outside/moved"),
    "moving in": ("rename", "rw", "../outside/empty", "rw", "moved"),
    "removing": ("unlink", "rw", "../outside/link.dir"),
    "removing a directory": ("rmdir", "rw", "../outside/empty2"),
}
# By the other grant's name, which has less: the right is the grant's, whichever directory the way begins in.
INTO_READ_ONLY = {
    "writing": ("probe", "rw", "0", "../ro/file", "0", "write", "0", "0"),
    "truncating": ("open", "$a", "rw", "0", "../ro/file", "trunc", "write", "0", "0"),
    "creating": ("open", "$a", "rw", "0", "../ro/new", "creat", "write", "0", "0"),
    "moving": ("rename", "rw", "../ro/file", "rw", "taken"),
    "removing": ("unlink", "rw", "../ro/file"),
}
REFUSED = {"acces", "perm", "xdev"}


class LandlockTest(Attack):
    def command(self, *options):
        command = self.tree.command("openat2")
        return [CUT_COMMAND, command[1], *options, *command[2:]]

    def setUp(self):
        super().setUp()
        probe = subprocess.run([guest.COMMAND, "run", "--landlock", str(guest.BUILT / "ops.wasm")],
                               stdin=subprocess.DEVNULL, capture_output=True, check=False)  # fmt: skip
        if probe.returncode != 0 and b"andlock" in probe.stderr:
            self.skipTest("this kernel has no Landlock")

    def answer(self, operation, command):
        self.tree.refresh()
        self.watch.findings()
        return self.run_ops([operation], command=command)[0]

    def test_the_first_wall_is_cut(self):
        for title, operation in TRESPASSES.items():
            with self.subTest(title):
                answer = self.answer(operation, self.command())
                self.assertEqual(answer.error, "success", str(answer))
                self.assertNotEqual(self.watch.findings(), [])
                self.restore()

    def restore(self):
        """What is outside as it was."""
        self.doCleanups()
        self.setUp()

    def test_the_second_holds(self):
        for title, operation in TRESPASSES.items():
            with self.subTest(title):
                answer = self.answer(operation, self.command("--landlock"))
                self.assertIn(answer.error, REFUSED, str(answer))
                self.assertEqual(list(self.leaks(operation, answer)), [])
                self.assertEqual(self.watch.findings(), [])

    def test_access_holds_too(self):
        for title, operation in INTO_READ_ONLY.items():
            with self.subTest(title):
                self.assertEqual(self.answer(operation, self.command()).error, "success")
                self.tree.refresh()
                before = self.unchangeable("openat2")
                self.assertIn(self.run_ops([operation], command=self.command("--landlock"))[0].error, REFUSED)
                self.assertEqual(self.unchangeable("openat2"), before)

    def test_what_is_granted_stays(self):
        operations = [("probe", "rw", "0", "file", "0", "rw|fd_filestat_get", "0", "0"), ("mkdir", "rw", "dir/new"),
                      ("probe", "rw", "0", "dir/new/file", "creat", "rw|fd_filestat_get", "0", "0"),
                      ("rename", "rw", "dir/new/file", "rw", "moved"), ("link", "rw", "0", "moved", "rw", "dir/linked"),
                      ("symlink", "file", "rw", "dir/l.new"), ("unlink", "rw", "moved"), ("rmdir", "rw", "dir/new"),
                      ("times", "rw", "0", "file", 5, 6, "atim|mtim"), ("probe", "ro", "0", "file", "0", READ, "0", "0"),
                      ("probe", "ro", "0", "dir", "directory", READ, "0", "0")]  # fmt: skip
        command = self.tree.command("openat2")
        command.insert(2, "--landlock")
        answers = self.run_ops(operations, command=command)
        self.assertEqual([str(answer) for answer in answers if answer.error != "success"], [])
        self.assertEqual(self.watch.findings(), [])


if __name__ == "__main__":
    unittest.main()
