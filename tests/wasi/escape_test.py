#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No path that a guest can say leads out of its grants. Real guests under `wasm-sandbox run` try; the host proves,
by snapshots and inotify, that nothing beside the grants was looked at. All of it four times: with openat2, without it, and
on file systems in memory, copied from the same tree or laid over it, where the same calls must work.

WASM_SANDBOX names the command, WASI_MEMORY_RUNNER that of memory_runner.cpp, WASI_GUESTS the directory of built guests
(build.sh), WASI_TEST_SHARE what part of the
sweep to run: 1 all, 8 each eighth batch.
"""
import os
import pathlib
import subprocess
import tempfile
import unittest

import cases
import fixture
import guest
import no_openat2
import sweep
import watch

SHARE = int(os.environ.get("WASI_TEST_SHARE", "1"))
HOST_WAYS = {"openat2": None, "walk": no_openat2.take_away_openat2}  # what goes before in the process
WAYS = HOST_WAYS | dict.fromkeys(fixture.MEMORY_WAYS)
READ = "read|fd_readdir|fd_filestat_get"


class Attack(unittest.TestCase):
    """A tree, a watch on what is beside its grants, and guests."""

    TREE = fixture.Tree

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="wasi-escape-", dir=fixture.scratch_directory())
        self.addCleanup(folder.cleanup)
        self.tree = self.TREE(pathlib.Path(folder.name).resolve())
        self.watch = watch.Watch(self.tree.root, self.tree.GRANTS)
        self.addCleanup(self.watch.close)
        self.foreign = {str(facts["inode"]) for facts in self.watch.facts().values()}

    def run_ops(self, operations, way="openat2", command=None):
        lines = [guest.line_of(operation[0], self.tree.DESCRIPTORS, *operation[1:]) for operation in operations]
        return guest.run_ops(lines, command or self.tree.command(way), WAYS[way])

    def unchangeable(self, way):
        """Facts of what must not change: the read-only grant, and both if the guest only gets them in memory."""
        names = self.tree.GRANTS if way in fixture.MEMORY_WAYS else ("ro",)
        paths = [path for name in names for path in watch.tree(self.tree.root / name)]
        found = {str(path): watch.facts_of(path) for path in paths}
        for facts in found.values():
            del facts["accessed"]
        return found

    def leaks(self, operation, answer, way="openat2"):
        """What an answer tells of things beside the grants."""
        # Inodes in memory have numbers of their own.
        if way in HOST_WAYS and answer.fields.get("ino") in self.foreign:
            yield f"{operation}: inode of something outside: {answer}"
        if fixture.SECRET in (answer.text("content") or b""):
            yield f"{operation}: contents of something outside: {answer}"
        if fixture.HIDDEN in (answer.text("names") or b"").split(b"/"):
            yield f"{operation}: names of something outside: {answer}"

    def attack(self, operations, way):
        """The answers to a guest in a fresh tree; nothing outside, and nothing that is read-only, has changed."""
        self.tree.refresh()
        before = self.unchangeable(way)
        answers = self.run_ops(operations, way)
        found = [leak for pair in zip(operations, answers) for leak in self.leaks(*pair, way)]
        self.assertEqual(found[:5], [])
        self.assertEqual(self.watch.findings()[:5], [])
        self.assertEqual(watch.differences(before, self.unchangeable(way))[:5], [])
        return answers


class EscapeTest(Attack):
    def test_cases(self):
        for case in cases.load(pathlib.Path(__file__).with_name("cases.txt")):
            for way in WAYS:
                # What is neither file, directory nor link does not exist in memory.
                if case.needs - set(self.tree.specials if way in HOST_WAYS else ()):
                    continue
                with self.subTest(case.title, way=way):
                    answers = self.attack([step.operation for step in case.steps], way)
                    wrong = [f"{s}: got {a}" for s, a in zip(case.steps, answers) if not s.accepts(a)]
                    self.assertEqual(wrong, [])

    def test_sweep(self):
        tries, successes = 0, 0
        for title, operations, only_on_the_host in list(sweep.batches())[::SHARE]:
            ways = HOST_WAYS if only_on_the_host else WAYS
            with self.subTest(title):
                answers = [self.attack(operations, way) for way in ways]
                for operation, *same in zip(operations, *answers):
                    # What fails may fail in another order of checks; what works must work everywhere.
                    allowed = {answer.error == "success" for answer in same}
                    self.assertEqual(len(allowed), 1, f"{operation}: {'; '.join(map(str, same))}")
                    tries += len(same)
                    successes += len(same) if allowed == {True} else 0
        print(f"\n{tries} operations, of which {successes} were allowed")
        self.assertGreater(successes, tries // 100)
        self.assertLess(successes, tries // 2)

    def test_openat2_is_gone(self):
        # Only a walk knows this limit of its own: the directories that it holds open.
        deep = 140
        operations = [("mkdir", "rw", "/".join(["d"] * n)) for n in range(1, deep)]
        operations = operations[:120]
        operations += [("open", "$a", "rw", "0", "/".join(["d"] * 120), "directory", "tree", "all", "0")]
        operations += [("mkdir", "$a", "/".join(["d"] * n)) for n in range(1, 20)]
        operations += [("stat", "rw", "0", "/".join(["d"] * 139))]
        for way, expected in (("openat2", "success"), ("walk", "nametoolong")):
            self.tree.refresh()
            answers = self.run_ops(operations, way)
            self.assertEqual({answer.error for answer in answers[:-1]}, {"success"})
            self.assertEqual(answers[-1].error, expected)


class MountTest(Attack):
    """What is mounted beneath a grant belongs to it, and its ".." is where it is mounted."""

    MOUNT = """mount --make-rprivate / && mount -t tmpfs none "$0/rw/empty" && echo mounted > "$0/rw/empty/file" &&
        mount --bind "$0/outside/dir" "$0/rw/dir/sub" && mount --bind "$0/outside/file" "$0/rw/file" && exec "$@" """

    def setUp(self):
        super().setUp()
        self.inside = ["unshare", "--map-root-user", "--mount", "sh", "-c", self.MOUNT, str(self.tree.root)]
        if subprocess.run([*self.inside, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("this host does not let us mount")
        self.watch.findings()

    def test_mounts(self):
        expected = {
            ("probe", "rw", "0", "empty/file", "0", READ, "0", "0"): "success",
            ("probe", "rw", "0", "empty/../dir/file", "0", READ, "0", "0"): "success",
            ("probe", "rw", "0", "empty/../../secret", "0", READ, "0", "0"): "notcapable",
            ("probe", "rw", "0", "empty/../x.outside", "0", READ, "0", "0"): "loop",
            ("probe", "rw", "follow", "empty/../x.outside", "0", READ, "0", "0"): "notcapable",
            ("probe", "rw", "0", "dir/sub/file", "0", READ, "0", "0"): "success",
            ("probe", "rw", "0", "dir/sub/../file", "0", READ, "0", "0"): "success",
            ("probe", "rw", "0", "dir/sub/../../dir/sub", "0", READ, "0", "0"): "success",
            ("probe", "rw", "0", "dir/sub/../../..", "0", READ, "0", "0"): "notcapable",
            ("probe", "rw", "0", "dir/sub/../../../secret", "0", READ, "0", "0"): "notcapable",
            ("probe", "rw", "0", "dir/sub/../secret", "0", READ, "0", "0"): "noent",
            ("rename", "rw", "empty/file", "rw", "taken"): "xdev",
            ("link", "rw", "0", "dir/sub/file", "rw", "taken"): "xdev",
            ("unlink", "rw", "file"): "busy",
            ("rmdir", "rw", "dir/sub"): "busy",
            ("rename", "rw", "dir/sub", "rw", "moved"): "busy",
        }
        for way, before in HOST_WAYS.items():
            with self.subTest(way):
                lines = [guest.line_of(operation[0], self.tree.DESCRIPTORS, *operation[1:]) for operation in expected]
                answers = guest.run_ops(lines, [*self.inside, *self.tree.command(way)], before)
                wrong = [f"{operation}: {answer}" for (operation, error), answer in zip(expected.items(), answers)
                         if answer.error != error]  # fmt: skip
                self.assertEqual(wrong, [])


class WatchTest(Attack):
    """The watch sees what the tests above claim not to happen: here the guest is granted what is beside."""

    def test_it_sees_what_happens(self):
        trespasses = {
            "reading": [("probe", "rw", "0", "outside/file", "0", "read", "0", "0")],
            "listing": [("probe", "rw", "0", "outside/dir", "0", READ, "0", "0")],
            "opening": [("open", "$a", "rw", "0", "secret", "0", "0", "0", "0")],
            "writing": [("probe", "rw", "0", "outside/file", "0", "write", "0", "0")],
            "truncating": [("open", "$a", "rw", "0", "outside/file", "trunc", "write", "0", "0")],
            "creating": [("open", "$a", "rw", "0", "outside/new", "creat", "write", "0", "0")],
            "creating beside": [("open", "$a", "rw", "0", "new", "creat", "write", "0", "0")],
            "a directory": [("mkdir", "rw", "outside/newdir")],
            "a link": [("symlink", "file", "rw", "outside/newlink")],
            "a hard link": [("link", "rw", "0", "outside/file", "rw", "rw/taken")],
            "moving away": [("rename", "rw", "outside/empty", "rw", "rw/moved")],
            "moving in": [("rename", "rw", "rw/empty", "rw", "outside/dir/in")],
            "removing": [("unlink", "rw", "outside/link.dir")],
            "removing a directory": [("rmdir", "rw", "outside/empty2")],
            "times": [("times", "rw", "0", "outside/file", 5, 6, "atim|mtim")],
        }
        command = [guest.COMMAND, "run", "--dir", f"{self.tree.root}::/"]
        for title, operations in trespasses.items():
            with self.subTest(title):
                self.tree.refresh()
                answers = self.run_ops(operations, command=command)
                self.assertEqual([answer.error for answer in answers], ["success"], str(answers[0]))
                self.assertNotEqual(self.watch.findings(), [])

    def test_it_sees_what_answers_tell(self):
        operations = [
            ("probe", "rw", "0", "outside/file", "0", READ, "0", "0"),
            ("probe", "rw", "0", "outside", "0", READ, "0", "0"),
            ("stat", "rw", "0", "secret"),
            ("stat", "rw", "0", "outside/dir"),
        ]
        answers = self.run_ops(operations, command=[guest.COMMAND, "run", "--dir", f"{self.tree.root}::/"])
        for operation, answer in zip(operations, answers):
            self.assertNotEqual(list(self.leaks(operation, answer)), [], str(answer))


if __name__ == "__main__":
    unittest.main()
