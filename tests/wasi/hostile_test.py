#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Calls with arguments that no library would make: guests/hostile.c says what it was answered, this test what the host
spent: its peak memory must not depend on what was asked for. Environment: as escape_test.py."""
import os
import pathlib
import subprocess
import tempfile
import time
import unittest

import fixture
import guest

SCENARIOS = ["random", "vectors", "vector-sum", "opens", "open-close", "flood", "listing", "far-offsets", "renumber",
             "polling", "overlapped", "clocks", "results"]  # fmt: skip
# How much more than a guest that does nothing: what a bounded number of descriptors and one call's lists may take.
EXTRA_KIB = 6 * 1024
SECONDS = 60


class Spent:
    def __init__(self, process, usage, seconds, err):
        self.status, self.err, self.seconds = process.returncode, err, seconds
        self.peak_kib = usage.ru_maxrss


class Measured(unittest.TestCase):
    """Runs guests with one directory, and tells what they took of the host."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="wasi-hostile-", dir=fixture.scratch_directory())
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_module(self, module, *arguments, stdout=subprocess.DEVNULL, options=()):
        command = [guest.COMMAND, "run", "--dir", f"{self.folder}::/", *options, str(module), *arguments]
        # Where AddressSanitizer is built in: freed memory kept aside would be counted.
        environment = os.environ | {"ASAN_OPTIONS": "quarantine_size_mb=1"}
        start = time.monotonic()
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=errors,
                                       env=environment)  # fmt: skip
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            errors.seek(0)
            return Spent(process, usage, time.monotonic() - start, errors.read().decode(errors="replace"))

    def scenario(self, name, **options):
        return self.run_module(guest.BUILT / "hostile.wasm", name, **options)


class HostileTest(Measured):
    def test_scenarios(self):
        base = self.scenario("nothing")
        self.assertEqual(base.status, 0, base.err)
        most = 0
        for name in SCENARIOS:
            with self.subTest(name):
                spent = self.scenario(name)
                self.assertEqual((spent.status, spent.err), (0, ""))
                self.assertLess(spent.peak_kib, base.peak_kib + EXTRA_KIB)
                self.assertLess(spent.seconds, SECONDS)
                most = max(most, spent.peak_kib)
        print(f"\npeak memory: {base.peak_kib} KiB for nothing, at most {most} KiB for anything")
        self.assertEqual((self.folder / "renumbered").read_text(), "to the file")

    def test_memory_is_measured(self):
        # What the test above finds flat does grow when the guest does.
        source = self.folder / "grow.wat"
        source.write_text(
            """(module (memory (export "memory") 0 2048)
                 (func (export "_start") (drop (memory.grow (i32.const 1024)))
                   (memory.fill (i32.const 0) (i32.const 1) (i32.const 0x4000000))))"""
        )
        grown, base = self.run_module(source), self.scenario("nothing")
        self.assertGreater(grown.peak_kib, base.peak_kib + EXTRA_KIB)

    def test_a_closed_pipe_is_an_error_of_the_guest(self):
        reading, writing = os.pipe()
        os.close(reading)
        spent = self.scenario("closed-pipe", stdout=writing)
        os.close(writing)
        self.assertEqual((spent.status, spent.err), (0, ""))


IMPORTS = """
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
"""
FAULT = 21


class StrangeMemoryTest(Measured):
    """Memories that are empty, as large as can be, of the wrong kind, or not there."""

    def run_text(self, text, *options):
        source = self.folder / "module.wat"
        source.write_text(f"(module {IMPORTS} {text})")
        return self.run_module(source, options=options)

    def exits(self, memory, call, status, *options):
        spent = self.run_text(f'{memory} (func (export "_start") (call $exit {call}))', *options)
        self.assertEqual(spent.status, status, spent.err)
        return spent

    def random(self, address, length):
        return f"(call $random (i32.const {address}) (i32.const {length}))"

    def test_empty(self):
        memory = '(memory (export "memory") 0)'
        self.exits(memory, self.random(0, 0), 0)
        self.exits(memory, self.random(0, 1), FAULT)
        self.exits(memory, self.random(1, 0), FAULT)
        self.exits(memory, "(call $write (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0))", FAULT)

    def test_four_gibibytes(self):
        memory = '(memory (export "memory") 65536)'
        base = self.exits(memory, self.random(0, 0), 0)
        for address, length, status in ((-1, 1, 0), (-1, 2, FAULT), (-16, 16, 0), (-16, 17, FAULT), (2, -1, FAULT)):
            with self.subTest(address=address, length=length):
                spent = self.exits(memory, self.random(address, length), status)
                self.assertLess(spent.peak_kib, base.peak_kib + EXTRA_KIB)
        vector = '(data (i32.const 0) "\\f0\\ff\\ff\\ff\\{}\\00\\00\\00")'
        for length, status in (("10", 0), ("11", FAULT)):
            call = "(call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const -4))"
            self.exits(memory + vector.format(length), call, status)

    def test_grown_meanwhile(self):
        grown = "(drop (memory.grow (i32.const 1)))"
        text = f"""(memory (export "memory") 1 2)
          (func (export "_start")
            (if (i32.ne {self.random(65536, 1)} (i32.const {FAULT})) (then (call $exit (i32.const 1))))
            {grown}
            (if {self.random(65536, 65536)} (then (call $exit (i32.const 2))))
            (if (i32.ne {self.random(65536, 65537)} (i32.const {FAULT})) (then (call $exit (i32.const 3)))))"""
        spent = self.run_text(text)
        self.assertEqual(spent.status, 0, spent.err)

    def test_none_or_of_another_kind(self):
        trap = 134
        self.exits("", self.random(0, 0), trap)
        self.exits("(memory 1)", self.random(0, 0), trap)
        self.exits('(memory (export "Memory") 1)', self.random(0, 0), trap)
        self.exits('(func (export "memory"))', self.random(0, 0), trap)
        self.exits('(global (export "memory") i32 (i32.const 0))', self.random(0, 0), trap)
        self.exits('(memory (export "other") 1) (memory (export "memory") 0)', self.random(0, 1), FAULT)

    def test_of_64_bits(self):
        # Addresses of 32 bits reach its beginning.
        spent = self.run_text(
            f'(memory (export "memory") i64 1) (func (export "_start") (call $exit {self.random(65535, 1)}))'
        )
        self.assertIn(spent.status, (0, 134), spent.err)

    def test_shared(self):
        spent = self.run_text(
            f'(memory (export "memory") 1 1 shared) (func (export "_start") (call $exit {self.random(0, 8)}))',
            "--features", "threads",
        )  # fmt: skip
        self.assertIn(spent.status, (0, FAULT, 134), spent.err)


if __name__ == "__main__":
    unittest.main()
