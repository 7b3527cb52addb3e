# SPDX-License-Identifier: Apache-2.0
"""Wall time of whole processes: starting, and loading a module without running it."""

import os
import pathlib
import re
import shlex
import shutil
import subprocess

from engines import ROOT, Failure, find_engines

HELLO = "Hello from WebAssembly!\n"
EMPTY_MODULE = b"\0asm\1\0\0\0"

# Compiles a module and runs nothing. V8 else compiles what is called, when it is called.
NODE_LOAD = "new WebAssembly.Module(require('node:fs').readFileSync(process.argv[1]))"
NODE = ["node", "--no-warnings", "--no-wasm-lazy-compilation", "--no-wasm-tier-up"]

# How engines load a file wholly and then stop: most since there is no such function to call, or since imports are
# missing. The second is what they say then; another failure means that they did not load all of it.
NO_FUNCTION = "no such function"
OURS_SAY = f'unknown import: |no function "{NO_FUNCTION}"'
LOADERS = {
    "ours": (["{ours}", "run", "--invoke", NO_FUNCTION, "{}"], OURS_SAY),
    "ours+jit": (["{ours}", "run", "--tier", "jit", "--invoke", NO_FUNCTION, "{}"], OURS_SAY),
    "wasm3": (["wasm3", "--compile", "--func", NO_FUNCTION, "{}"], "function lookup failed"),
    "wasmi": (
        ["wasmi", "--compilation-mode", "eager", "--invoke", NO_FUNCTION, "{}"],
        f"failed to populate WASI externals|{NO_FUNCTION}",
    ),
    "wasmtime": (["wasmtime", "compile", "-o", "/dev/null", "{}"], None),
    "wasmer": (["wasmer", "compile", "-o", "/dev/null", "{}"], None),
    "iwasm": (["iwasm", "--function", NO_FUNCTION, "{}"], "lookup function"),
    "wasmedge": (["wasmedge", "compile", "{}", "/dev/null"], None),
    "node": ([*NODE, "--liftoff-only", "-e", NODE_LOAD, "{}"], None),
}


class Measured:
    """What spawn.c tells of one command."""

    def __init__(self, line):
        numbers = [int(word) for word in line.split()]
        self.least_ms, self.median_ms, self.least_cpu_ms = (n / 1e6 for n in numbers[:3])
        self.memory_mib = numbers[3] / 1024


def build_spawn(directory):
    compiler = os.environ.get("CC", "clang-19")
    program = pathlib.Path(directory) / "spawn"
    source = ROOT / "bench" / "spawn.c"
    line = [compiler, "-O2", "-static", str(source), "-o", str(program)]
    if subprocess.run(line, check=False).returncode != 0:
        raise Failure("bench/spawn.c could not be built")
    return program


def spawn(program, rounds, expected, commands):
    """One Measured for each command. `expected` is a file with what they print, or empty."""
    line = [str(program), str(rounds), str(expected)]
    for command in commands:
        line += ["--", *command]
    process = subprocess.run(line, capture_output=True, text=True, check=False)
    if process.returncode != 0:
        raise Failure(process.stderr.strip())
    return [Measured(row) for row in process.stdout.splitlines()]


def installed(command, directory):
    """A copy as `cmake --install --strip` makes it. A file fresh from the linker takes 0.1 ms longer to
    start: the page cache holds it in single pages, which are mapped one by one."""
    if not pathlib.Path(command).is_file():
        raise Failure(f"{command} is not there")
    copy = str(pathlib.Path(directory) / "wasm-sandbox")
    if subprocess.run(["strip", "-o", copy, command], check=False).returncode != 0:
        raise Failure("strip is missing or failed; install the Debian package binutils")
    return copy


def startup(options, directory):
    options.ours = installed(options.ours, directory)
    hello = pathlib.Path(directory) / "hello.wasm"
    source = ROOT / "examples" / "hello" / "hello.wat"
    subprocess.run([options.ours, "wat2wasm", source, "-o", hello], check=True)
    expected = pathlib.Path(directory) / "expected"
    expected.write_text(HELLO)
    left_out = ("native", "ours+fuel")
    engines = [engine for engine in find_engines(options) if engine.name not in left_out]
    lines = [[str(hello) if word == "{}" else word for word in engine.command] for engine in engines]
    rows = spawn(build_spawn(directory), options.rounds, expected, lines)
    print(f"hello.wasm ({hello.stat().st_size} bytes) from start to exit, {options.rounds} rounds\n")
    print(f"{'':14}{'minimum ms':>12}{'median ms':>12}{'memory MiB':>12}")
    for engine, row in zip(engines, rows):
        print(f"{engine.name:14}{row.least_ms:>12.2f}{row.median_ms:>12.2f}{row.memory_mib:>12.1f}")
    return 0


def loaders(options):
    """Commands, and what those that fail have to say, by engine."""
    wanted = options.only.split(",") if options.only else None
    found = {}
    for name, (words, message) in LOADERS.items():
        command = [options.ours if word == "{ours}" else word for word in words]
        is_wanted = name in wanted if wanted is not None else name != "ours+jit" or options.jit
        if shutil.which(command[0]) and is_wanted:
            found[name] = (command, message)
    for definition in options.engine:
        name, _, command = definition.partition("=")
        found[name] = (shlex.split(command), None)
    if not found:
        raise Failure("there is no engine to load with")
    return found


def why_not(command, message):
    """What an engine says that does not load a file; None if it does."""
    process = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
    )
    said = process.stderr.strip()
    if process.returncode == 0 or (message and re.search(message, said)):
        return None
    return said.splitlines()[0] if said else f"status {process.returncode}"


def load_file(spawn_program, found, file, empty, rounds):
    """Time of a file less that of an empty module: what starting the process takes is no part of it."""
    megabytes = file.stat().st_size / 1e6
    print(f"{file.name}: {megabytes:.2f} MB, minimum of {rounds} rounds\n")
    print(f"{'':14}{'wall ms':>10}{'MB/s':>10}{'CPU ms':>10}{'MB/CPU s':>10}{'memory MiB':>12}")
    lines = {}
    for engine, (command, message) in found.items():
        with_file = [str(file) if word == "{}" else word for word in command]
        reason = why_not(with_file, message)
        if reason is not None:
            print(f"{engine:14} cannot load it: {reason}")
            continue
        lines[engine] = ([str(empty) if word == "{}" else word for word in command], with_file)
    rows = spawn(spawn_program, rounds, "", [line for pair in lines.values() for line in pair])
    for i, engine in enumerate(lines):
        before, after = rows[2 * i], rows[2 * i + 1]
        wall_ms = max(after.least_ms - before.least_ms, 1e-3)
        cpu_ms = max(after.least_cpu_ms - before.least_cpu_ms, 1e-3)
        print(
            f"{engine:14}{wall_ms:>10.2f}{1e3 * megabytes / wall_ms:>10.1f}"
            f"{cpu_ms:>10.2f}{1e3 * megabytes / cpu_ms:>10.1f}{after.memory_mib:>12.1f}"
        )
    print()


def load(options, directory):
    options.ours = installed(options.ours, directory)
    program = build_spawn(directory)
    empty = pathlib.Path(directory) / "empty.wasm"
    empty.write_bytes(EMPTY_MODULE)
    found = loaders(options)
    for name in options.files:
        file = pathlib.Path(name)
        if not file.is_file():
            raise Failure(f"{file}: no such file")
        load_file(program, found, file, empty, options.rounds)
    return 0
