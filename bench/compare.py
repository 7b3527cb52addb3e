#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the CPU time of WebAssembly engines on the same programs.

Every engine runs the same .wasm file as a whole process; native twins run beside them. In each
round all engines run a program in turn (A B A B, not A A B B), so that a change of the machine's
speed hits all alike. The figure of a program and engine is the minimum (or median) over the rounds
of user plus system time. Outputs must agree with the native twin's, or else with the majority's.

Without FILEs the kernels of bench/programs are built and run. A FILE may be followed by arguments
for it after a comma: `coremark.wasm,0,0,0x66,3000`. `NAME.native` beside `NAME.wasm` is its twin.

Engines found on PATH are used: wasm3, iwasm, wasmtime, wasmi, wasmer, wasmedge, node.
Ours is two columns: `ours` runs without --fuel, `ours+fuel` with a budget that never runs out. The
difference is what the option changes. It is the cost of counting only where a run without --fuel
does not count; an interpreter that counts always shows no difference, and pays in both columns.
`--engine NAME=COMMAND` adds another one; `{}` in COMMAND stands for the file.

With --callgrind, instructions are counted instead of time, by valgrind: each program runs with n
and with 2n iterations, and the difference is shown, so that start-up and compilation cancel out.
"""

import argparse
import json
import math
import os
import pathlib
import platform
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[1]
KERNELS = ROOT / "bench" / "programs"
FUEL = "9000000000000000"

# A WASI command under node, its file and arguments after the script.
NODE_SCRIPT = """
const { WASI } = require('node:wasi');
const args = process.argv.slice(1);
const wasi = new WASI({ version: 'preview1', args, env: {}, returnOnExit: true });
const module = new WebAssembly.Module(require('node:fs').readFileSync(args[0]));
process.exitCode = wasi.start(new WebAssembly.Instance(module, wasi.getImportObject()));
"""

# How each known engine runs a file; "{}" is the file, arguments follow.
KNOWN_ENGINES = {
    "wasm3": ["wasm3", "{}"],
    "iwasm": ["iwasm", "{}"],
    "wasmtime": ["wasmtime", "run", "{}"],
    "wasmi": ["wasmi", "{}"],  # older releases install it as wasmi_cli
    "wasmi_cli": ["wasmi_cli", "{}"],
    "wasmer": ["wasmer", "run", "{}", "--"],
    "wasmedge": ["wasmedge", "{}"],
    "node": ["node", "--no-warnings", "-e", NODE_SCRIPT, "{}"],
}
COLOURS = ["#d62728", "#ff9896", "#1f77b4", "#2ca02c", "#9467bd", "#8c564b", "#e377c2", "#17becf"]


class Failure(Exception):
    """Something the user has to know, told without a stack trace."""


class Program:
    """One .wasm file, its arguments, and its native twin if there is one."""

    def __init__(self, file, arguments=()):
        self.file = pathlib.Path(file)
        self.name = self.file.stem
        self.arguments = list(arguments)
        self.native = self.file.with_suffix(".native")
        if not self.file.is_file():
            raise Failure(f"{self.file}: no such file")


class Engine:
    """A named command line."""

    def __init__(self, name, command):
        self.name = name
        self.command = command

    def line(self, program, arguments):
        """The command for a program, or None where the engine cannot run it."""
        if self.name == "native":
            if not program.native.is_file():
                return None
            return [str(program.native.resolve()), *arguments]
        file = str(program.file.resolve())
        line = [file if part == "{}" else part for part in self.command]
        return line + list(arguments)


def kernel_counts():
    """Small iteration counts of the kernels, by name, from programs.txt."""
    counts = {}
    for line in (KERNELS / "programs.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, count = line.split()[:2]
            counts[name] = int(count)
    return counts


def build_kernels(directory):
    if subprocess.run([KERNELS / "build.sh", directory], check=False).returncode != 0:
        raise Failure("the kernels could not be built")
    return [Program(pathlib.Path(directory) / f"{name}.wasm") for name in kernel_counts()]


def assemble_gc(ours, directory):
    """The programs that allocate objects are text."""
    programs = []
    for source in sorted((ROOT / "bench" / "gc").glob("*.wat")):
        file = pathlib.Path(directory) / f"{source.stem}.wasm"
        if subprocess.run([ours, "wat2wasm", source, "-o", file], check=False).returncode != 0:
            raise Failure(f"{source} could not be assembled")
        programs.append(Program(file))
    return programs


def find_engines(options):
    engines = [Engine("native", [])]
    ours = pathlib.Path(options.ours)
    if ours.is_file():
        path = str(ours.resolve())
        engines.append(Engine("ours", [path, "run", *options.ours_option, "{}"]))
        engines.append(
            Engine("ours+fuel", [path, "run", "--fuel", FUEL, *options.ours_option, "{}"])
        )
    else:
        print(f"compare: {ours} is not there; comparing without it", file=sys.stderr)
    for name, command in KNOWN_ENGINES.items():
        if shutil.which(command[0]):
            if options.gc and name == "node":
                command = [command[0], "--no-liftoff", *command[1:]]
            engines.append(Engine(name, command))
    for definition in options.engine:
        name, separator, command = definition.partition("=")
        parts = shlex.split(command)
        if not separator or not parts:
            raise Failure(f"--engine {definition}: not NAME=COMMAND")
        if "{}" not in parts:
            parts.append("{}")
        engines.append(Engine(name, parts))
    if options.only:
        wanted = options.only.split(",")
        unknown = set(wanted) - {engine.name for engine in engines}
        if unknown:
            raise Failure(f"--only: no engine named {', '.join(sorted(unknown))} is there")
        engines = [engine for engine in engines if engine.name in wanted]
    return engines


def run_timed(line, timeout_seconds):
    """Runs a command. Returns (CPU seconds, status, stdout); status is None after a timeout."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            line, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, close_fds=True
        )
        expired = threading.Event()

        def end_it():
            expired.set()
            process.kill()

        timer = threading.Timer(timeout_seconds, end_it)
        timer.start()
        # wait4 tells this child's own resource use, not that of all children so far.
        _, status, usage = os.wait4(process.pid, 0)
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        code = None if expired.is_set() else process.returncode
        return usage.ru_utime + usage.ru_stime, code, output.read()


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


def figure(entry, options):
    samples = entry.get("cpu_seconds")
    if not samples or "error" in entry:
        return None
    value = statistics.median(samples) if options.median else min(samples)
    return max(value, 1e-6)


def geometric_mean(values):
    return math.exp(sum(math.log(value) for value in values) / len(values)) if values else None


def ratios_of(results, engines, reference, options):
    """{engine: {program: time / reference's time}} for what both ran rightly."""
    ratios = {}
    for engine in engines:
        ratios[engine.name] = {}
        for program, entries in results.items():
            base = figure(entries.get(reference, {}), options)
            value = figure(entries.get(engine.name, {}), options)
            if base is not None and value is not None:
                ratios[engine.name][program] = value / base
    return ratios


def print_table(results, engines, ratios, reference, options):
    names = [engine.name for engine in engines]
    width = max([len(program) for program in results] + [14])
    kind = "median" if options.median else "minimum"
    print(f"CPU time, {kind} of {options.rounds} rounds; ratios to {reference}\n")
    print(" " * width + f"{reference + ' ms':>14}" + "".join(f"{name:>13}" for name in names))
    for program, entries in results.items():
        base = figure(entries.get(reference, {}), options)
        row = f"{program:<{width}}" + (f"{base * 1000:>14.1f}" if base else f"{'-':>14}")
        for name in names:
            ratio = ratios[name].get(program)
            problem = entries.get(name, {}).get("error", "-")
            row += f"{ratio:>13.2f}" if ratio is not None else f"{problem:>13}"
        print(row)
    row = f"{'geometric mean':<{width}}{'':>14}"
    for name in names:
        mean = geometric_mean(list(ratios[name].values()))
        row += f"{mean:>13.2f}" if mean else f"{'-':>13}"
    print(row)
    incomplete = [n for n in names if len(ratios[n]) not in (0, len(results))]
    if incomplete:
        print(f"\nnot all programs counted for: {', '.join(incomplete)}")
    print_metering(results, options)


def print_metering(results, options):
    """What --fuel changes: ours+fuel against ours. Not the cost of counting if both count."""
    costs = []
    for entries in results.values():
        without, with_fuel = (figure(entries.get(n, {}), options) for n in ("ours", "ours+fuel"))
        if without and with_fuel:
            costs.append(with_fuel / without)
    if costs:
        change = 100 * (geometric_mean(costs) - 1)
        print(f"\n--fuel changes the time by {change:+.1f} % (geometric mean; noise included)")


def write_json(path, results, engines, ratios, reference, options):
    document = {
        "machine": platform.processor() or platform.machine(),
        "system": platform.platform(),
        "rounds": options.rounds,
        "figure": "median" if options.median else "minimum",
        "reference": reference,
        "engines": {e.name: shlex.join(e.command)[:200] for e in engines},
        "programs": {
            program: {
                name: {
                    "cpu_seconds": entry["cpu_seconds"],
                    "ratio": ratios.get(name, {}).get(program),
                    **({"error": entry["error"]} if "error" in entry else {}),
                }
                for name, entry in entries.items()
            }
            for program, entries in results.items()
        },
        "geometric_mean": {n: geometric_mean(list(r.values())) for n, r in ratios.items()},
    }
    pathlib.Path(path).write_text(json.dumps(document, indent=1) + "\n")


def write_plot(path, programs, names, ratios, reference):
    """A dot for each program and engine on a logarithmic axis; the last row is the mean."""
    rows = list(programs) + ["geometric mean"]
    points = {}
    for name in names:
        mean = geometric_mean(list(ratios[name].values()))
        if mean is not None:
            points[name] = {**ratios[name], "geometric mean": mean}
    values = [value for row in points.values() for value in row.values()]
    if not values:
        raise Failure("nothing to plot")
    low = math.floor(math.log2(min(values + [1])))
    high = max(math.ceil(math.log2(max(values))), low + 1)
    left, width, row_height, top = 130, 640, 26, 70
    bottom = top + row_height * len(rows)

    def x_of(value):
        return left + width * (math.log2(value) - low) / (high - low)

    def text(x, y, content, anchor="start", weight="normal"):
        content = content.replace("&", "&amp;").replace("<", "&lt;")
        return (
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}">'
            f"{content}</text>"
        )

    size = f'width="{left + width + 40}" height="{bottom + 50}"'
    title = f"CPU time relative to {reference} (logarithmic; left is faster)"
    svg = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}'
        ' font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        text(left, 20, title, weight="bold"),
    ]
    for power in range(low, high + 1):
        x = x_of(2.0**power)
        svg.append(f'<path d="M{x:.1f} {top - 8}V{bottom}" stroke="#dddddd"/>')
        svg.append(text(x, bottom + 18, f"{2.0**power:g}×", "middle"))
    for index, row in enumerate(rows):
        y = top + row_height * (index + 0.5)
        bold = "bold" if index == len(rows) - 1 else "normal"
        svg.append(text(left - 10, y + 4, row, "end", bold))
        svg.append(f'<path d="M{left} {y:.1f}H{left + width}" stroke="#eeeeee"/>')
    x = left
    for index, (name, by_row) in enumerate(points.items()):
        colour = COLOURS[index % len(COLOURS)]
        svg.append(f'<circle cx="{x + 6}" cy="41" r="5" fill="{colour}"/>')
        svg.append(text(x + 15, 45, name))
        x += 30 + 7 * len(name)
        for row, value in by_row.items():
            y = top + row_height * (rows.index(row) + 0.5)
            svg.append(
                f'<circle cx="{x_of(value):.1f}" cy="{y:.1f}" r="5" fill="{colour}"'
                f' fill-opacity="0.85"><title>{name}, {row}: {value:.2f}</title></circle>'
            )
    svg.append("</svg>")
    pathlib.Path(path).write_text("\n".join(svg) + "\n")


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
    counts = kernel_counts()
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
    add("--callgrind", action="store_true", help="count instructions of ours instead of time")
    add("--count", type=int, metavar="N", help="iterations for --callgrind (default: per kernel)")
    add("--quiet", action="store_true", help="no progress on stderr")
    options = parser.parse_args()
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
    kernels = assemble_gc(options.ours, directory) if options.gc else build_kernels(directory)
    if options.kernels:
        wanted = options.kernels.split(",")
        unknown = set(wanted) - {kernel.name for kernel in kernels}
        if unknown:
            raise Failure(f"--kernels: there is no {', '.join(sorted(unknown))}")
        kernels = [kernel for kernel in kernels if kernel.name in wanted]
    return kernels + programs


def main():
    options = parse_options()
    with tempfile.TemporaryDirectory(prefix="compare-") as temporary:
        try:
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
