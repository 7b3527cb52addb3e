#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Other engines' libraries beside ours, measured in turn.

  peers.py calls --wasm3 DIR   typed calls between host and guest; DIR is a checkout of wasm3 with its
                               library built at build/source/libm3.a
  peers.py pool                an instance taken from a pool, called and returned; builds Wasmtime with
                               cargo, for which it needs crates.io

Needs build/release, built by ./dev build. Minima; what calls return is checked.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OURS = ROOT / "build" / "release"


def run(*words):
    return subprocess.run([str(word) for word in words], check=True, stdout=subprocess.PIPE, text=True).stdout


def link_ours(source, output, *more):
    run(os.environ.get("CXX", "clang++-19"), "-std=c++2b", "-O2", f"-I{ROOT}", f"-I{ROOT / 'include'}", f"-I{HERE}",
        "-DFMT_HEADER_ONLY=1", source, *more, OURS / "libwasm_sandbox.a", "-lpthread", "-ldl", "-lm", "-o", output)


def calls(options, directory):
    wasm = directory / "calls.wasm"
    run(OURS / "wasm-sandbox", "wat2wasm", HERE / "calls.wat", "-o", wasm)
    ours, theirs = directory / "calls_ours", directory / "calls_wasm3"
    link_ours(HERE / "calls_ours.cpp", ours)
    wasm3 = pathlib.Path(options.wasm3)
    run(os.environ.get("CC", "clang-19"), "-O3", f"-I{wasm3 / 'source'}", f"-I{HERE}", HERE / "calls_wasm3.c",
        wasm3 / "build" / "source" / "libm3.a", "-lm", "-o", theirs)
    least = {}
    for _ in range(options.rounds):
        for name, program in (("ours", ours), ("wasm3", theirs)):
            for key, value in json.loads(run(program, wasm)).items():
                entries = least.setdefault(key, {})
                entries[name] = min(value, entries.get(name, value))
    print(f"{'':26}{'ours':>8}{'wasm3':>8}{'ratio':>8}")
    for key, text in (("host_to_guest_ns", "host to guest, ns"), ("guest_to_host_ns", "guest to host, ns"),
                      ("loop_ns", "the loop alone, ns")):
        entries = least[key]
        print(f"{text:26}{entries['ours']:>8.2f}{entries['wasm3']:>8.2f}{entries['wasm3'] / entries['ours']:>8.2f}")


def pool(options, directory):
    target = directory if options.target is None else pathlib.Path(options.target)
    run("cargo", "build", "--release", "--manifest-path", HERE / "pool_wasmtime" / "Cargo.toml", "--target-dir", target)
    program = directory / "pool"
    link_ours(HERE / "pool_wasmtime.cpp", program, target / "release" / "libpool_wasmtime.a")
    print(run(program), end="")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(required=True, metavar="WHAT")
    calls_parser = kinds.add_parser("calls", help="against wasm3")
    calls_parser.add_argument("--wasm3", required=True, metavar="DIR")
    calls_parser.add_argument("--rounds", type=int, default=5)
    calls_parser.set_defaults(measure=calls)
    pool_parser = kinds.add_parser("pool", help="against Wasmtime")
    pool_parser.add_argument("--target", metavar="DIR", help="where cargo builds (default: a temporary directory)")
    pool_parser.set_defaults(measure=pool)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="peers-") as temporary:
        try:
            options.measure(options, pathlib.Path(temporary))
        except subprocess.CalledProcessError as error:
            sys.exit(f"peers: {error}")
        except FileNotFoundError as error:
            sys.exit(f"peers: {error.filename}: not found")


if __name__ == "__main__":
    main()
