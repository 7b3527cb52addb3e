#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes cli/startup.order: the functions that `wasm-sandbox run hello.wasm` calls, which the linker puts together.

Finds them with valgrind's callgrind, in build/release/wasm-sandbox (not stripped). Names that no longer exist do no
harm, and new functions are only not moved; so this needs to run again only when starting has changed much:

  tools/startup_order.py && cmake --build build/release --target wasm-sandbox
"""

import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
COMMAND = ROOT / "build" / "release" / "wasm-sandbox"
HELLO = ROOT / "examples" / "hello" / "hello.wat"
FUNCTION = re.compile(r"c?fn=(?:\(\d+\) )?([A-Za-z_][\w.$]*)")


def executed_functions(directory):
    """Mangled names; functions that clang or the C library made local copies of have a suffix."""
    program, wasm, counts = directory / "wasm-sandbox", directory / "hello.wasm", directory / "counts"
    # valgrind up to 3.19 cannot read the debug information.
    subprocess.run(["strip", "-g", "-o", program, COMMAND], check=True)
    subprocess.run([COMMAND, "wat2wasm", HELLO, "-o", wasm], check=True)
    subprocess.run(
        ["valgrind", "--tool=callgrind", "--demangle=no", "--compress-strings=no", f"--callgrind-out-file={counts}",
         program, "run", wasm],
        check=True, capture_output=True)
    return {match.group(1) for line in counts.open() if (match := FUNCTION.match(line))}


def main():
    with tempfile.TemporaryDirectory(prefix="order-") as directory:
        try:
            names = executed_functions(pathlib.Path(directory))
        except (OSError, subprocess.CalledProcessError) as error:
            sys.exit(f"startup_order: {error}")
    (ROOT / "cli" / "startup.order").write_text("".join(f"{name}\n" for name in sorted(names)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
