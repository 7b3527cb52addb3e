#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Renames beneath a directory until told to stop: swapper.py DIR. What is a directory or file one moment is a link to
the outside the next. Ends with SIGTERM and prints how many rounds there were."""
import ctypes
import os
import signal
import sys

AT_FDCWD, RENAME_EXCHANGE = -100, 2


def main():
    os.chdir(sys.argv[1])
    exchange = ctypes.CDLL(None, use_errno=True).renameat2
    going = [True]
    signal.signal(signal.SIGTERM, lambda *_: going.clear())
    rounds = 0
    print("ready", flush=True)
    while going:
        rounds += 1
        exchange(AT_FDCWD, b"swap", AT_FDCWD, b"swap.evil", RENAME_EXCHANGE)
        exchange(AT_FDCWD, b"leaf", AT_FDCWD, b"leaf.evil", RENAME_EXCHANGE)
        exchange(AT_FDCWD, b"abs", AT_FDCWD, b"abs.evil", RENAME_EXCHANGE)
        # Up two levels: whoever then counts ".." from below counts too far.
        for source, target in ((b"deep/a/b", b"b.moved"), (b"b.moved", b"deep/a/b"), (b"deep/a", b"a.moved"),
                               (b"a.moved", b"deep/a")):  # fmt: skip
            exchange(AT_FDCWD, source, AT_FDCWD, target, 0)
    print(rounds)


if __name__ == "__main__":
    main()
