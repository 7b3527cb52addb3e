#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cuts each wire of tests/wires/wires.toml in turn, and sees its test fail.

Works on a clone of the last commit in DIR (default: build/wires), which is kept: the first time builds all, later
ones little. A wire that nobody misses is an error, and so is a promise of docs/promises.md without a wire.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[1]
TEST_SECONDS = 60


def run(*words, cwd=ROOT, timeout=None):
    return subprocess.run([str(word) for word in words], cwd=cwd, capture_output=True, text=True, timeout=timeout)


def promises():
    """The first column of the table."""
    text = (ROOT / "docs" / "promises.md").read_text()
    rows = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")]
    return [row for row in rows if row != "promised" and not re.fullmatch("-+", row)]


def check_table(wires):
    promised, wired = set(promises()), {wire["promise"] for wire in wires}
    for text in sorted(promised - wired):
        yield f"no wire of: {text}"
    for text in sorted(wired - promised):
        yield f"not in docs/promises.md: {text}"


def prepare(tree):
    head = run("git", "rev-parse", "HEAD").stdout.strip()
    if not tree.exists():
        run("git", "clone", "--quiet", ROOT, tree).check_returncode()
    run("git", "fetch", "--quiet", ROOT, head, cwd=tree).check_returncode()
    run("git", "checkout", "--quiet", "--force", "--detach", head, cwd=tree).check_returncode()
    configured = run("cmake", "--preset", "release", "-DWSB_BENCH=OFF", "-DWSB_WERROR=OFF", cwd=tree)
    if configured.returncode != 0:
        sys.exit(configured.stdout + configured.stderr)


def build(tree, target):
    return run("ninja", "-C", "build/release", target, cwd=tree)


def fails(tree, binary, pattern):
    """Whether the test does not pass: fails, dies or does not end."""
    try:
        return run(tree / "build" / "release" / binary, f"--gtest_filter={pattern}", cwd=tree,
                   timeout=TEST_SECONDS).returncode != 0
    except subprocess.TimeoutExpired:
        return True


def cut(text, wire):
    """The source without the wire; None if the place is not there."""
    if text.count(wire["old"]) != 1:
        return None
    text = text.replace(wire["old"], wire.get("new", ""))
    return f"#include {wire['include']}\n" + text if "include" in wire else text


def miss(tree, wire):
    """What is wrong with a wire; None if its test notices."""
    binary, pattern = wire["test"].split(" ", 1)
    path = tree / wire["file"]
    whole = path.read_text()
    without = cut(whole, wire)
    if without is None:
        return "what is to be cut is not there once"
    path.write_text(without)
    try:
        built = build(tree, binary)
        if built.returncode != 0:
            return "does not build:\n" + "\n".join(line for line in built.stdout.splitlines() if "error" in line)
        return None if fails(tree, binary, pattern) else "nobody misses it"
    finally:
        path.write_text(whole)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dir", default=ROOT / "build" / "wires", type=pathlib.Path, metavar="DIR")
    parser.add_argument("--only", default="", metavar="TEXT", help="wires with TEXT in their promise or file")
    parser.add_argument("--table", action="store_true", help="only look whether each promise has a wire")
    options = parser.parse_args()
    wires = tomllib.loads((ROOT / "tests" / "wires" / "wires.toml").read_text())["wire"]
    mistakes = list(check_table(wires))
    if options.table:
        for wire in wires:
            if cut((ROOT / wire["file"]).read_text(), wire) is None:
                mistakes.append(f"{wire['file']}: is not there once: {wire['old'].strip()}")
        sys.exit("\n".join(mistakes) if mistakes else 0)
    tree = options.dir.resolve()
    prepare(tree)
    wires = [wire for wire in wires if options.only in wire["promise"] + wire["file"]]
    tests = sorted({wire["test"] for wire in wires})
    for binary in sorted({test.split(" ")[0] for test in tests}):
        print(f"building {binary}", flush=True)
        build(tree, binary).check_returncode()
    for test in tests:
        if fails(tree, *test.split(" ", 1)):
            mistakes.append(f"{test}: fails with all wires whole")
    for number, wire in enumerate(wires, 1):
        wrong = miss(tree, wire)
        line = wire["old"].strip().splitlines()[0]
        print(f"[{number}/{len(wires)}] {wire['file']}: {line}: {wrong or 'noticed by ' + wire['test']}", flush=True)
        if wrong:
            mistakes.append(f"{wire['file']}: {line}: {wrong}")
    for mistake in mistakes:
        print("error:", mistake, file=sys.stderr)
    sys.exit(1 if mistakes else 0)


if __name__ == "__main__":
    main()
