#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Grants for appending and for creating: what such a grant has stays as it is, but for what is put at a file's end or
beside it, whatever a guest does with names, flags, sizes, times, rights and numbers. Environment: as escape_test.py."""
import pathlib
import stat
import unittest

import cases
import fixture
import guest
import sweep
import watch
from escape_test import HOST_WAYS, SHARE, WAYS, Attack

PAIRS = (("ap", "rw"), ("ap", "cr"), ("cr", "rw"), ("cr", "ap"), ("rw", "ap"), ("ro", "cr"))
BATCHES_LEFT_OUT = min(12 * SHARE, 40)


class FourGrants(fixture.Tree):
    """One grant of each kind, by a manifest."""

    GRANTS = ("rw", "ro", "ap", "cr")
    DESCRIPTORS = {"rw": 3, "ro": 4, "ap": 5, "cr": 6}
    ACCESS = {"rw": "read-write", "ro": "read-only", "ap": "append", "cr": "create"}
    SOURCES = {"memory": "copy", "overlay": "overlay"}

    def command(self, way):
        source = self.SOURCES.get(way, "host")
        text = "[stdio]\nstdin = true\nstdout = true\nstderr = true\n"
        for name, access in self.ACCESS.items():
            text += f'[[dir]]\nhost = "{self.root / name}"\nguest = "/{name}"\naccess = "{access}"\nsource = "{source}"\n'
        # Not in the tree, which is watched.
        manifest = self.root.with_name(f"{self.root.name}.{way}.toml")
        manifest.write_text(text)
        return [guest.COMMAND, "run", "--manifest", str(manifest)]


def losses(before, after, grant):
    """What a grant for appending or creating has lost. Facts by path."""
    for path, old in before.items():
        new = after.get(path)
        if new is None:
            yield f"{path}: is gone"
            continue
        is_file = stat.S_ISREG(old["mode"]) and stat.S_ISREG(new["mode"])
        keys = ["inode", "mode", "owner"]
        if not stat.S_ISDIR(old["mode"]):
            keys.append("links")  # a directory has one for each directory in it
        if grant == "ap" and is_file:
            if not new["content"].startswith(old["content"]):
                yield f"{path}: {old['content']!r} became {new['content']!r}"
            if new["content"] == old["content"]:
                keys.append("modified")
        elif grant == "ap" or not stat.S_ISDIR(old["mode"]):
            keys += ["modified", "content"] if is_file else ["modified"]
        yield from (f"{path}: {key}: {old[key]!r} became {new[key]!r}" for key in keys if old[key] != new[key])
    if grant == "ap":
        yield from (f"{path}: is new" for path in after if path not in before)


class AccessTest(Attack):
    TREE = FourGrants

    def setUp(self):
        super().setUp()
        for way in WAYS:
            self.addCleanup(self.tree.root.with_name(f"{self.tree.root.name}.{way}.toml").unlink, missing_ok=True)

    def facts(self, grant):
        return {str(path): watch.facts_of(path) for path in watch.tree(self.tree.root / grant)}

    def attack(self, operations, way):
        self.tree.refresh()
        before = {grant: self.facts(grant) for grant in ("ap", "cr")}
        answers = self._attack_here(operations, way)
        for grant, facts in before.items():
            self.assertEqual(list(losses(facts, self.facts(grant), grant))[:5], [])
        return answers

    def _attack_here(self, operations, way):
        """As Attack.attack, in the tree as it is."""
        before = self.unchangeable(way)
        answers = self.run_ops(operations, way)
        self.assertEqual([leak for pair in zip(operations, answers) for leak in self.leaks(*pair, way)][:5], [])
        self.assertEqual(self.watch.findings()[:5], [])
        self.assertEqual(watch.differences(before, self.unchangeable(way))[:5], [])
        return answers

    def test_cases(self):
        for case in cases.load(pathlib.Path(__file__).with_name("access.txt")):
            for way in WAYS:
                with self.subTest(case.title, way=way):
                    answers = self.attack([step.operation for step in case.steps], way)
                    wrong = [f"{s}: got {a}" for s, a in zip(case.steps, answers) if not s.accepts(a)]
                    self.assertEqual(wrong, [])

    def test_sweep(self):
        tries, successes = 0, 0
        for title, operations, _ in list(sweep.batches(PAIRS))[::BATCHES_LEFT_OUT]:
            # To append is what these opens leave out.
            appending = [(*o[:-1], "append|nonblock") for o in operations if o[0] == "probe" and o[1] == "ap"]
            for way in HOST_WAYS:
                with self.subTest(title, way=way):
                    answers = self.attack(operations + appending, way)
                    tries += len(answers)
                    successes += sum(answer.error == "success" for answer in answers)
        print(f"\n{tries} operations, of which {successes} were allowed")
        self.assertGreater(successes, tries // 1000)

    def test_losses_are_seen(self):
        operations = {
            "over": [("open", "$a", "rw", "0", "file", "0", "write", "0", "0"), ("write", "$a", "x")],
            "cut": [("open", "$a", "rw", "0", "file", "trunc", "write", "0", "0")],
            "dated": [("times", "rw", "0", "file", 5, 6, "mtim")],
            "removed": [("unlink", "rw", "file")],
            "linked": [("link", "rw", "0", "file", "rw", "other")],
            "replaced": [("rename", "rw", "l.file", "rw", "file")],
        }
        for title, some in operations.items():
            with self.subTest(title):
                self.tree.refresh()
                before = self.facts("rw")
                self.assertEqual({answer.error for answer in self.run_ops(some)}, {"success"})
                for grant in ("ap", "cr"):
                    self.assertNotEqual(list(losses(before, self.facts("rw"), grant)), [])


if __name__ == "__main__":
    unittest.main()
