#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The guest resolves paths while the host exchanges what they name with links to the outside, with openat2 and by walking.
Environment: as escape_test.py."""
import os
import pathlib
import subprocess
import sys
import unittest

from escape_test import HOST_WAYS, SHARE, Attack

ROUNDS = 1500 // SHARE  # of OPERATIONS, for each way
AT_ONCE = 500
READ = "read|fd_readdir|fd_filestat_get"
PATHS = ["swap/secret", "swap/../swap/secret", "leaf", "abs/secret", "chain/secret", "deep/a/../../secret",
         "deep/a/b/../../../secret", "deep/a/b/../../../swap/secret", "deep/a/b/../../.."]  # fmt: skip
PLACES = ["swap", "abs", "chain", "deep/a/../..", "deep/a/b/../../.."]


def operations():
    """A mixture of everything that resolves a path; names `t.…` are the guest's own."""
    for path in PATHS:
        yield "probe", "rw", "follow", path, "0", READ, "0", "nonblock"
        yield "probe", "rw", "0", path, "trunc", "write", "0", "nonblock"
        yield "stat", "rw", "follow", path
        yield "times", "rw", "follow", path, "5", "6", "atim|mtim"
    for place in PLACES:
        yield "probe", "rw", "follow", f"{place}/t.new", "creat|trunc", "rw|fd_filestat_get", "0", "nonblock"
        yield "mkdir", "rw", f"{place}/t.dir"
        yield "symlink", "absent", "rw", f"{place}/t.link"
        yield "link", "rw", "0", "leaf", "rw", f"{place}/t.hard"
        yield "link", "rw", "0", f"{place}/secret", "rw", "t.taken"
        yield "probe", "rw", "0", "t.taken", "0", READ, "0", "nonblock"
        yield "unlink", "rw", "t.taken"
        yield "rename", "rw", f"{place}/t.new", "rw", f"{place}/t.moved"
        yield "rename", "rw", f"{place}/secret", "rw", f"{place}/t.secret"
        yield "rename", "rw", f"{place}/t.secret", "rw", f"{place}/secret"
        yield "unlink", "rw", f"{place}/t.moved"
        yield "unlink", "rw", f"{place}/t.hard"
        yield "unlink", "rw", f"{place}/t.link"
        yield "rmdir", "rw", f"{place}/t.dir"
        yield "probe", "rw", "follow", place, "directory", READ, "0", "0"


class RaceTest(Attack):
    def prepare(self):
        """Writable things to swap, in a fresh tree. `outside` has what the guest is after, under the same names."""
        self.tree.refresh()
        grant = self.tree.root / "rw"
        for name in ("swap", "abs", "deep/a/b"):
            (grant / name).mkdir(parents=True)
        for name in ("secret", "leaf", "swap/secret", "abs/secret"):
            (grant / name).write_text("public")
        os.symlink("../outside", grant / "swap.evil")
        os.symlink("../secret", grant / "leaf.evil")
        os.symlink(self.tree.root / "outside", grant / "abs.evil")
        os.symlink("swap", grant / "chain")

    def race(self, way):
        """@return for each operation, how often it was allowed and how often not."""
        swapper = pathlib.Path(__file__).with_name("swapper.py")
        process = subprocess.Popen([sys.executable, swapper, self.tree.root / "rw"], stdout=subprocess.PIPE, text=True)
        counts = {}
        try:
            process.stdout.readline()
            mixture = list(operations())
            for _ in range(max(1, ROUNDS // AT_ONCE)):
                answers = self.run_ops(mixture * AT_ONCE, way)
                for index, answer in enumerate(answers):
                    operation = mixture[index % len(mixture)]
                    counts.setdefault(operation, [0, 0])[answer.error == "success"] += 1
                    self.assertEqual(list(self.leaks(operation, answer)), [])
        finally:
            process.terminate()
            rounds = int(process.communicate()[0])
        tries = sum(map(sum, counts.values()))
        print(f"\n{way}: {tries} operations against {rounds} rounds of renaming")
        self.assertGreater(rounds, 100)
        return counts

    def test_nothing_outside_is_reached(self):
        for way in HOST_WAYS:
            with self.subTest(way):
                self.prepare()
                counts = self.race(way)
                self.assertEqual(self.watch.findings()[:5], [])
                # What was met in both states was a race.
                both = [operation for operation, (no, yes) in counts.items() if no and yes]
                self.assertGreater(len(both), len(counts) // 3)


if __name__ == "__main__":
    unittest.main()
