# SPDX-License-Identifier: Apache-2.0
"""Programs to run, the engines that can run them, and one timed run."""

import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[1]
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
    "silverfir": ["sf-nano-cli", "{}"],
    "wasmer": ["wasmer", "run", "{}", "--"],
    "wasmedge": ["wasmedge", "{}"],
    "node": ["node", "--no-warnings", "-e", NODE_SCRIPT, "{}"],
}
# What an engine cannot do: programs that need it have no figure for it.
LACKING = {
    "wasm3": {"simd", "gc"},
    "wasmi": {"gc"},
    "wasmi_cli": {"gc"},
    "silverfir": {"simd", "gc"},
}


class Failure(Exception):
    """Something the user has to know, told without a stack trace."""


class Program:
    """One .wasm file, its arguments, and its native twin if there is one."""

    def __init__(self, file, arguments=(), needs=()):
        self.file = pathlib.Path(file)
        self.needs = set(needs)
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
        if program.needs & LACKING.get(self.name, set()):
            return None
        if self.name == "native":
            if not program.native.is_file():
                return None
            return [str(program.native.resolve()), *arguments]
        file = str(program.file.resolve())
        line = [file if part == "{}" else part for part in self.command]
        return line + list(arguments)


def find_engines(options):
    engines = [Engine("native", [])]
    ours = pathlib.Path(options.ours)
    if ours.is_file():
        path = str(ours.resolve())
        engines.append(Engine("ours", [path, "run", *options.ours_option, "{}"]))
        engines.append(
            Engine("ours+fuel", [path, "run", "--fuel", FUEL, *options.ours_option, "{}"])
        )
        if options.jit:
            line = [path, "run", "--tier", "jit", "--fuel", FUEL, *options.ours_option, "{}"]
            engines.append(Engine("ours+jit", line))
    else:
        print(f"compare: {ours} is not there; comparing without it", file=sys.stderr)
    for name, command in KNOWN_ENGINES.items():
        if shutil.which(command[0]):
            if options.gc and name == "node":
                command = [command[0], "--no-liftoff", *command[1:]]
            engines.append(Engine(name, command))
            if options.jit and name == "node":
                for tier, flag in (("liftoff", "--liftoff-only"), ("turbofan", "--no-liftoff")):
                    engines.append(Engine(tier, [command[0], flag, *command[1:]]))
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
