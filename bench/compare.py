#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the CPU time of WebAssembly engines on the same programs.

Every engine runs the same .wasm file as a whole process; native twins run beside them. In each
round all engines run a program in turn (A B A B, not A A B B), so that a change of the machine's
speed hits all alike. The figure of a program and engine is the minimum (or median) over the rounds
of user plus system time. Outputs must agree with the native twin's, or else with the majority's.

Without FILEs the kernels of bench/programs are built and run. A FILE may be followed by arguments
for it after a comma: `coremark.wasm,0,0,0x66,3000`. `NAME.native` beside `NAME.wasm` is its twin.

Engines found on PATH are used: wasm3, iwasm, wasmtime, wasmi, silverfir
(sf-nano-cli), wasmer, wasmedge, node.
Ours is two columns: `ours` runs without --fuel, `ours+fuel` with a budget that never runs out. The
difference is what the option changes. It is the cost of counting only where a run without --fuel
does not count; an interpreter that counts always shows no difference, and pays in both columns.
`--engine NAME=COMMAND` adds another one; `{}` in COMMAND stands for the file.

With --long, the kernels run for about a second natively, so that starting and compiling count little.
With --startup, the wall time of `hello` from start to exit is compared, and the memory that it takes.
With --load, the time that engines take to load FILEs: to decode, check and translate all of them.
With --callgrind, instructions are counted instead of time, by valgrind: each program runs with n
and with 2n iterations, and the difference is shown, so that start-up and compilation cancel out.
"""

import argparse
import functools
import json
import pathlib
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile

import wall
from engines import ROOT, Failure, Program, find_engines, run_timed
from report import figure, geometric_mean, print_table, ratios_of, write_json, write_plot

KERNELS = ROOT / "bench" / "programs"


def kernels():
    """From programs.txt: (small iteration count, that of long runs, what an engine needs for it) by name."""
    found = {}
    for line in (KERNELS / "programs.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, small, large, about = line.split(maxsplit=3)
            found[name] = (int(small), int(large), set(re.findall(r"\[needs (\w+)\]", about)))
    return found


def build_kernels(directory, only, are_long):
    known = kernels()
    names = only.split(",") if only else list(known)
    unknown = set(names) - set(known)
    if unknown:
        raise Failure(f"--kernels: there is no {', '.join(sorted(unknown))}")
    if subprocess.run([KERNELS / "build.sh", directory, *names], check=False).returncode != 0:
        raise Failure("the kernels could not be built")
    return [
        Program(pathlib.Path(directory) / f"{n}.wasm", [str(known[n][1])] if are_long else [], known[n][2])
        for n in names
    ]


def assemble_gc(ours, directory, only):
    """The programs that allocate objects are text."""
    programs = []
    for source in sorted((ROOT / "bench" / "gc").glob("*.wat")):
        file = pathlib.Path(directory) / f"{source.stem}.wasm"
        if subprocess.run([ours, "wat2wasm", source, "-o", file], check=False).returncode != 0:
            raise Failure(f"{source} could not be assembled")
        programs.append(Program(file, needs={"gc"}))
    names = only.split(",") if only else [program.name for program in programs]
    return [program for program in programs if program.name in names]


def measure(programs, engines, options):
    """Returns {program: {engine: {"cpu_seconds": [...], "status", "output"} or {"error"}}}."""
    results = {program.name: {} for program in programs}
    for round_number in range(options.rounds):
        for program in programs:
            for engine in engines:
                line = engine.line(program, program.arguments)
                entry = results[program.name].setdefault(engine.name, {"cpu_seconds": []})
                if line is None or "error" in entry:
                    continue
                seconds, status, output = run_timed(line, options.timeout)
                if status is None:
                    entry["error"] = "timeout"
                elif status != 0:
                    entry["error"] = f"status {status}"
                elif entry.setdefault("output", output) != output:
                    entry["error"] = "output changes"
                else:
                    entry["cpu_seconds"].append(seconds)
        if not options.quiet:
            print(f"\rround {round_number + 1} of {options.rounds}", end="", file=sys.stderr)
    if not options.quiet:
        print("\r" + " " * 40 + "\r", end="", file=sys.stderr)
    check_outputs(results)
    return results


def check_outputs(results):
    """Marks the engines whose output is not the native one (or, without, the most common one)."""
    for entries in results.values():
        outputs = [e["output"] for e in entries.values() if "output" in e and "error" not in e]
        if not outputs:
            continue
        expected = entries.get("native", {}).get("output") or statistics.mode(outputs)
        for entry in entries.values():
            if "error" not in entry and entry.get("output", expected) != expected:
                entry["error"] = "wrong output"


def without_debug_information(program, directory):
    """A copy for valgrind, whose releases up to 3.19 stop at DWARF 5. Instructions stay the same."""
    if shutil.which("strip") is None:
        return program
    copy = pathlib.Path(directory) / "wasm-sandbox"
    subprocess.run(["strip", "-g", "-o", copy, program], check=True)
    return copy


def count_instructions(line):
    """Instructions that a command executes, by callgrind."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *line]
    process = subprocess.run(command, capture_output=True, check=False)
    match = re.search(rb"Collected : (\d+)", process.stderr)
    if process.returncode != 0 or match is None:
        message = process.stderr.decode(errors="replace").strip().splitlines()
        raise Failure(f"{shlex.join(line)}: {message[-1] if message else 'failed'}")
    return int(match.group(1)), process.stdout


def callgrind(programs, engines, options):
    if shutil.which("valgrind") is None:
        raise Failure("valgrind is missing; install the Debian package valgrind")
    engines = [e for e in engines if e.name in ("native", "ours", "ours+fuel") or options.only]
    counts = {name: count for name, (count, _, _) in kernels().items()}
    table = {}
    for program in programs:
        small = options.count or counts.get(program.name)
        if small is None:
            raise Failure(f"{program.name}: give the iteration count with --count")
        table[program.name] = {}
        for engine in engines:
            if engine.line(program, []) is None:
                continue
            once, _ = count_instructions(engine.line(program, [str(small)]))
            twice, _ = count_instructions(engine.line(program, [str(2 * small)]))
            table[program.name][engine.name] = {
                "iterations": small,
                "instructions": twice - once,
                "start_up": 2 * once - twice,
            }
    names = [engine.name for engine in engines]
    width = max([len(name) for name in table] + [14])
    print("Instructions of n iterations, start-up not counted (callgrind)\n")
    print(f"{'':<{width}}{'n':>6}" + "".join(f"{name:>16}" for name in names) + f"{'--fuel':>9}")
    fuel_costs = []
    for program, row in table.items():
        cells = "".join(f"{row[n]['instructions'] if n in row else '-':>16}" for n in names)
        fuel = ""
        if "ours" in row and "ours+fuel" in row:
            cost = row["ours+fuel"]["instructions"] / max(row["ours"]["instructions"], 1)
            fuel_costs.append(cost)
            fuel = f"{100 * (cost - 1):>+8.1f}%"
        iterations = next(iter(row.values()))["iterations"] if row else "-"
        print(f"{program:<{width}}{iterations:>6}{cells}{fuel}")
    if fuel_costs:
        change = 100 * (geometric_mean(fuel_costs) - 1)
        print(f"\n--fuel changes the instructions by {change:+.2f} %")
        if all(cost == 1 for cost in fuel_costs):
            print(
                "The same instructions run with and without --fuel: this says nothing about\n"
                "what counting costs, because both columns run the same code."
            )
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(table, indent=1) + "\n")


def parse_options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("files", nargs="*", metavar="FILE[,ARG...]", help=".wasm files (default: the kernels)")
    add("--ours", default=str(ROOT / "build" / "release" / "wasm-sandbox"), metavar="PATH",
        help="the wasm-sandbox command (default: build/release/wasm-sandbox)")
    add("--ours-option", action="append", default=[], metavar="OPTION",
        help="one more option of its run command, e.g. --ours-option=--tier=interp")
    add("--engine", action="append", default=[], metavar="NAME=COMMAND", help="add an engine")
    add("--only", metavar="NAME,...", help="only these engines")
    add("--kernels", metavar="NAME,...", help="only these kernels")
    add("--gc", action="store_true",
        help="the programs of bench/gc instead of the kernels; node runs without its baseline tier")
    add("--build-dir", metavar="DIR", help="where the kernels are built (default: temporary)")
    add("--rounds", type=int, default=5, help="how often each pair is run (default 5)")
    add("--median", action="store_true", help="medians instead of minima")
    add("--reference", default="native", metavar="NAME", help="ratios to this engine")
    add("--timeout", type=float, default=120, metavar="SECONDS", help="for one run (default 120)")
    add("--json", metavar="FILE", help="write all samples and ratios")
    add("--plot", metavar="FILE", help="write a plot as SVG")
    add("--startup", action="store_true", help="how long the smallest program takes; try --rounds 500")
    add("--load", action="store_true", help="how long loading the FILEs takes, without running them")
    add("--jit", action="store_true",
        help="machine code too, with fuel counted, and node's two compilers each alone")
    add("--callgrind", action="store_true", help="count instructions of ours instead of time")
    add("--long", action="store_true", help="the kernels run for a second natively, so that start-up counts little")
    add("--count", type=int, metavar="N", help="iterations for --callgrind (default: per kernel)")
    add("--quiet", action="store_true", help="no progress on stderr")
    options = parser.parse_args()
    if options.load and not options.files:
        parser.error("--load needs FILEs")
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    return options


def choose_programs(options, directory):
    programs = []
    for definition in options.files:
        file, *arguments = definition.split(",")
        programs.append(Program(file, arguments))
    if options.files and not options.kernels:
        return programs
    build = functools.partial(build_kernels, are_long=options.long)
    if options.gc:
        build = functools.partial(assemble_gc, options.ours)
    return build(directory, options.kernels) + programs


def main():
    options = parse_options()
    with tempfile.TemporaryDirectory(prefix="compare-") as temporary:
        try:
            if options.startup:
                return wall.startup(options, temporary)
            if options.load:
                return wall.load(options, temporary)
            programs = choose_programs(options, options.build_dir or temporary)
            if options.callgrind:
                options.ours = without_debug_information(options.ours, temporary)
            engines = find_engines(options)
            if options.callgrind:
                callgrind(programs, engines, options)
                return 0
            results = measure(programs, engines, options)
            reference = options.reference
            if all(figure(e.get(reference, {}), options) is None for e in results.values()):
                reference = engines[0].name if engines[0].name != "native" else engines[-1].name
                print(f"compare: no times of {options.reference}; ratios to {reference}",
                      file=sys.stderr)
            ratios = ratios_of(results, engines, reference, options)
            print_table(results, engines, ratios, reference, options)
            if options.json:
                write_json(options.json, results, engines, ratios, reference, options)
            if options.plot:
                names = [e.name for e in engines if e.name != reference]
                write_plot(options.plot, results, names, ratios, reference)
            failed = any("error" in e for entries in results.values() for e in entries.values())
            return 1 if failed else 0
        except Failure as failure:
            print(f"compare: {failure}", file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main())
