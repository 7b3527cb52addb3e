#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Other engines' libraries beside ours, measured in turn.

  peers.py calls --wasm3 DIR   typed calls between host and guest; DIR is a checkout of wasm3 with its
                               library built at build/source/libm3.a; minima
  peers.py calls --jit         the same by machine code, against Wasmtime without and with fuel; medians
  peers.py pool                an instance taken from a pool, called and returned; minima

Needs build/release, built by ./dev build. Wasmtime is built with cargo, which needs crates.io or what it had
from there before. What calls return is checked.
"""

import argparse
import json
import os
import pathlib
import statistics
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


def build_wasmtime(name, target):
    run("cargo", "build", "--release", "--manifest-path", HERE / name / "Cargo.toml", "--target-dir", target)


def calls(options, directory):
    wasm = directory / "calls.wasm"
    run(OURS / "wasm-sandbox", "wat2wasm", HERE / "calls.wat", "-o", wasm)
    ours = directory / "calls_ours"
    link_ours(HERE / "calls_ours.cpp", ours)
    if options.jit:
        target = directory if options.target is None else pathlib.Path(options.target)
        build_wasmtime("calls_wasmtime", target)
        theirs = target / "release" / "calls_wasmtime"
        engines = {"ours": (ours, wasm, "jit"), "Wasmtime": (theirs, wasm), "with fuel": (theirs, wasm, "fuel")}
        return compare(engines, options.rounds, statistics.median)
    theirs = directory / "calls_wasm3"
    wasm3 = pathlib.Path(options.wasm3)
    run(os.environ.get("CC", "clang-19"), "-O3", f"-I{wasm3 / 'source'}", f"-I{HERE}", HERE / "calls_wasm3.c",
        wasm3 / "build" / "source" / "libm3.a", "-lm", "-o", theirs)
    return compare({"ours": (ours, wasm), "wasm3": (theirs, wasm)}, options.rounds, min)


def compare(engines, rounds, summary):
    """Runs all engines in turn in each round, and prints what each took and in relation to ours."""
    times = {}
    for _ in range(rounds):
        for name, words in engines.items():
            for key, value in json.loads(run(*words)).items():
                times.setdefault(key, {}).setdefault(name, []).append(value)
    print(f"{'':26}" + "".join(f"{name:>18}" for name in engines))
    for key, text in (("host_to_guest_ns", "host to guest, ns"), ("guest_to_host_ns", "guest to host, ns"),
                      ("loop_ns", "the loop alone, ns")):
        entries = {name: summary(values) for name, values in times[key].items()}
        print(f"{text:26}" + "".join(f"{value:>10.2f} ({value / entries['ours']:4.2f}x)"
                                     for value in entries.values()))


def pool(options, directory):
    target = directory if options.target is None else pathlib.Path(options.target)
    build_wasmtime("pool_wasmtime", target)
    program = directory / "pool"
    link_ours(HERE / "pool_wasmtime.cpp", program, target / "release" / "libpool_wasmtime.a")
    print(run(program), end="")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(required=True, metavar="WHAT")
    calls_parser = kinds.add_parser("calls", help="against wasm3 or Wasmtime")
    peer = calls_parser.add_mutually_exclusive_group(required=True)
    peer.add_argument("--wasm3", metavar="DIR")
    peer.add_argument("--jit", action="store_true", help="ours by machine code, against Wasmtime")
    calls_parser.add_argument("--target", metavar="DIR", help="where cargo builds (default: a temporary directory)")
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
