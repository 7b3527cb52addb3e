#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the length of source files: a warning above 600 lines, a failure above 800. Tables (.def) are
exempt."""
import pathlib
import subprocess
import sys

WARN, FAIL = 600, 800
SUFFIXES = (".h", ".hpp", ".cpp", ".inl", ".py", ".c")


def check(files):
    """Pairs of (message, is a failure)."""
    found = []
    for file in files:
        lines = sum(1 for _ in open(file, encoding="utf-8", errors="replace"))
        if lines > FAIL:
            found.append((f"{file}: {lines} lines, more than {FAIL}: split it", True))
        elif lines > WARN:
            found.append((f"{file}: {lines} lines, more than {WARN}: think of a seam", False))
    return found


def main():
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True).stdout.split()
    found = check(f for f in listed if f.endswith(SUFFIXES) and pathlib.Path(f).exists())
    for message, is_failure in found:
        print(("error: " if is_failure else "warning: ") + message)
    if not any(is_failure for _, is_failure in found):
        print("sizes: every file is short enough")
    return 1 if any(is_failure for _, is_failure in found) else 0


if __name__ == "__main__":
    sys.exit(main())
