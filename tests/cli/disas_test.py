#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Machine code that people look at: `disas`, `run --profile`, `run --gdb`. perf and gdb themselves read what is
written where they are installed.

The machine code of small functions is in tests/golden/disas. After a change of the compiler that is meant:
    WSB_UPDATE_GOLDEN=1 ctest --test-dir build/release -R command.disas
and look at the difference.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

from command_case import COMMAND, CliTest, has_jit

GOLDEN = pathlib.Path(__file__).parent.parent / "golden" / "disas"
DISASSEMBLER = pathlib.Path(COMMAND).with_name("wasm-sandbox-disas")

MODULE = r"""
(module $many
  (import "m" "f" (func $imported))
  (func $fib (export "fib") (param $n i32) (result i32)
    (if (result i32) (i32.lt_s (local.get $n) (i32.const 2))
      (then (local.get $n))
      (else (i32.add (call $fib (i32.sub (local.get $n) (i32.const 1)))
                     (call $fib (i32.sub (local.get $n) (i32.const 2)))))))
  (func (@name "evil\n0x0  \1b[2Jbad") (param i32) (result i32) (i32.popcnt (local.get 0)))
  (func (export "only exported") (unreachable))
  (func $twice) (func (export "twice")))
"""

LOOP = """
(module $m (func $burn (export "burn") (param $n i32) (result i32) (local $x i32)
  (loop $l
    (local.set $x (i32.add (i32.mul (local.get $x) (i32.const 1664525)) (i32.const 1013904223)))
    (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
  (local.get $x))
  (func $outer (export "outer") (param i32) (result i32)
    (i32.add (call $burn (i32.const 9)) (call $burn (local.get 0)))))
"""

RANDOM = """
(module $m (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func $asks (param i32) (drop (call $random (local.get 0) (i32.const 16))))
  (func (export "_start") (call $asks (i32.const 0))))
"""


class NoCompilerTest(CliTest):
    @unittest.skipIf(has_jit(), "there is a compiler")
    def test_says_so(self):
        self.file("m.wat", MODULE)
        self.check("disas", "m.wat", status=125, out="", err="machine code")


@unittest.skipUnless(has_jit(), "no machine code in this build, or not for this processor")
class DisasTest(CliTest):
    def setUp(self):
        super().setUp()
        if not DISASSEMBLER.exists():
            self.skipTest("built without capstone")
        self.file("m.wat", MODULE)

    def functions(self, *args):
        text = self.check("disas", *args).stdout
        return re.findall(r"^;; function (\d+) (.*?): \d+ bytes of code, \d+ of data$", text, re.MULTILINE)

    def test_all_functions(self):
        found = self.functions("m.wat")
        self.assertEqual([int(index) for index, _ in found], [1, 2, 3, 4, 5])
        self.assertEqual(found[0][1], "wasm!many!fib")
        self.assertEqual(found[1][1], r"wasm!many!evil\0a0x0  \1b[2Jbad")
        self.assertEqual(found[2][1], "wasm!many!only exported")

    def test_by_index_and_name(self):
        for func in ["1", "fib"]:
            self.assertEqual(self.functions("m.wat", func), [("1", "wasm!many!fib")])
        self.assertEqual(self.functions("m.wat", "only exported"), [("3", "wasm!many!only exported")])
        self.assertEqual([index for index, _ in self.functions("m.wat", "twice")], ["4", "5"])

    def test_instructions_with_their_places(self):
        """The same offsets as in the binary, in their order; machine code in between covers all of its bytes."""
        text = self.check("disas", "m.wat", "fib").stdout
        wasm = [int(at, 16) for at in re.findall(r"^ +(0x[0-9a-f]+)  +\S", text, re.MULTILINE)]
        self.check("wat2wasm", "m.wat", "-o", "m.wasm")
        binary = (self.directory / "m.wasm").read_bytes()
        self.assertEqual(wasm, sorted(set(wasm)))
        self.assertEqual(binary[wasm[0]], 0x20)  # local.get
        self.assertEqual(binary[wasm[-1]], 0x0B)  # end
        self.assertRegex(text, r"0x[0-9a-f]+    call \$fib\n")
        self.assertRegex(text, r"i32\.add\n            [0-9a-f]{4}  add ")
        code = [int(at, 16) for at in re.findall(r"^ {12}([0-9a-f]{4})  ", text, re.MULTILINE)]
        self.assertEqual(code[0], 0)
        self.assertEqual(code, sorted(set(code)))
        self.assertLessEqual(max(b - a for a, b in zip(code, code[1:])), 16)
        self.assertNotIn(".byte", text)

    def test_names_of_guests_do_no_harm(self):
        for line in self.check("disas", "m.wat").stdout.splitlines():
            self.assertNotRegex(line, r"^0x0  ")
            self.assertTrue(line.isprintable(), repr(line))

    def test_processors(self):
        old = self.check("disas", "--cpu", "x86-64-v2", "m.wat", "2").stdout
        new = self.check("disas", "--cpu=x86-64-v3", "m.wat", "2").stdout
        self.assertNotIn("  popcnt ", old)
        self.assertIn("  popcnt ", new)
        self.check("disas", "--cpu", "m68k", "m.wat", status=125, out="", err=["--cpu", "x86-64-v3"])

    def test_errors(self):
        self.check("disas", status=125, out="", err="FILE")
        self.check("disas", "none.wasm", status=125, out="", err="none.wasm")
        self.check("disas", "m.wat", "nobody", status=125, out="", err=['"nobody"', "m.wat"])
        self.check("disas", "m.wat", "6", status=125, out="", err="no function 6: the module has 6")
        self.check("disas", "m.wat", "0", status=125, out="", err="imported")
        self.check("disas", "m.wat", "imported", status=125, out="", err="imported")
        self.file("bad.wasm", b"\0asm\1\0\0\0\7")
        self.check("disas", "bad.wasm", status=126, out="", err="bad.wasm")
        self.file("wrong.wat", "(module (func (result i32) (i64.const 1)))")
        self.check("disas", "wrong.wat", status=126, out="", err="type mismatch")

    def test_missing_disassembler(self):
        copy = self.directory / "alone"
        shutil.copy(COMMAND, copy)
        process = subprocess.run([copy, "disas", "m.wat"], cwd=self.directory, capture_output=True, text=True)
        self.assertEqual(process.returncode, 125)
        self.assertIn("libcapstone-dev", process.stderr)

    def test_golden(self):
        sources = sorted(GOLDEN.glob("*.wat"))
        self.assertGreaterEqual(len(sources), 12)
        for source in sources:
            found = self.check("disas", "--cpu", "x86-64-v3", str(source)).stdout
            expected = source.with_suffix(".txt")
            if os.environ.get("WSB_UPDATE_GOLDEN"):
                expected.write_text(found)
            with self.subTest(source.name):
                self.assertEqual(found, expected.read_text())

    def test_golden_is_complete(self):
        self.assertEqual({p.stem for p in GOLDEN.glob("*.txt")}, {p.stem for p in GOLDEN.glob("*.wat")})


# What functions of a module have in common.
COMMON = "wasm!(common code)"


@unittest.skipUnless(has_jit(), "no machine code in this build, or not for this processor")
class ToolsTest(CliTest):
    def setUp(self):
        super().setUp()
        self.file("loop.wat", LOOP)

    def run_in_child(self, *args):
        """Runs; the process is known before, for its number is in names of files."""
        process = subprocess.Popen(
            [COMMAND, "run", *args], cwd=self.directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=self.environment(args),
        )  # fmt: skip
        self.addCleanup(pathlib.Path(f"/tmp/perf-{process.pid}.map").unlink, missing_ok=True)
        _, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, err), (0, ""))
        return process.pid

    def test_perf_map(self):
        pid = self.run_in_child("--tier", "jit", "--profile", "perf-map", "--invoke", "burn", "loop.wat", "9")
        lines = pathlib.Path(f"/tmp/perf-{pid}.map").read_text().splitlines()
        self.assertEqual([line.split(" ", 2)[2] for line in lines], ["wasm!m!burn", "wasm!m!outer", COMMON])
        for line in lines:
            self.assertRegex(line, r"^[0-9a-f]+ [0-9a-f]+ ")
        self.assertEqual(list(self.directory.glob("*.dump")), [])

    def test_what_is_compiled_while_it_runs(self):
        pid = self.run_in_child(
            *["--tier", "auto", "--landlock", "--profile", "perf-map"], *["--invoke", "burn", "loop.wat", "3000000"]
        )
        lines = pathlib.Path(f"/tmp/perf-{pid}.map").read_text().splitlines()
        self.assertEqual([line.split(" ", 2)[2] for line in lines], [COMMON, "wasm!m!burn"])

    def test_both_files_and_landlock(self):
        pid = self.run_in_child(
            *["--tier=jit", "--landlock", "--profile=jitdump", "--profile=perf-map"],
            *["--invoke", "burn", "loop.wat", "9"],
        )
        self.assertTrue(pathlib.Path(f"/tmp/perf-{pid}.map").exists())
        dump = (self.directory / f"jit-{pid}.dump").read_bytes()
        self.assertEqual(dump[:4], b"DTiJ")
        self.assertIn(b"wasm!m!burn\0", dump)

    def test_off_by_default(self):
        pid = self.run_in_child("--tier=jit", "--invoke", "burn", "loop.wat", "9")
        self.assertFalse(pathlib.Path(f"/tmp/perf-{pid}.map").exists())
        self.assertEqual(list(self.directory.glob("*.dump")), [])

    def test_usage(self):
        self.check("run", "--tier=jit", "--profile=vtune", "loop.wat", status=125, err="must be perf-map or jitdump")
        for option in ["--profile=perf-map", "--gdb"]:
            self.check("run", "--tier=interp", option, "loop.wat", status=125, err="--tier jit")

    def test_perf(self):
        """perf record, inject, report: the function that works is found by name."""
        if shutil.which("perf") is None:
            self.skipTest("perf is not installed")
        record = ["perf", "record", "-q", "-k", "mono", "-e", "cpu-clock:u", "-o", "perf.data"]
        command = [COMMAND, "run", "--tier=jit", "--profile=jitdump", "--invoke", "burn", "loop.wat", "150000000"]
        for args in [
            [*record, *command],
            ["perf", "inject", "--jit", "-i", "perf.data", "-o", "jitted.data"],
        ]:
            process = subprocess.run(args, cwd=self.directory, capture_output=True, text=True, timeout=120)
            if args[1] == "record" and process.returncode != 0 and "ermission" in process.stderr:
                self.skipTest("perf may not record here")
            self.assertEqual(process.returncode, 0, process.stderr)
        report = subprocess.run(
            ["perf", "report", "-i", "jitted.data", "--stdio", "--sort", "sym"],
            cwd=self.directory, capture_output=True, text=True, timeout=120, check=True,
        )  # fmt: skip
        self.assertRegex(report.stdout, r"\d\d\.\d+% +\[\.\] wasm!m!burn", report.stderr)

    def gdb(self, commands, *args):
        """What gdb prints of `run ARGS`."""
        if shutil.which("gdb") is None:
            self.skipTest("gdb is not installed")
        words = ["gdb", "-q", "-nx", "-batch", "-ex", "set debuginfod enabled off"]
        words += [word for command in commands for word in ("-ex", command)]
        words += ["--args", COMMAND, "run", "--tier=jit", "--gdb", *args]
        process = subprocess.run(words, cwd=self.directory, capture_output=True, text=True, timeout=120)
        if "ptrace" in process.stderr:
            self.skipTest("gdb may not trace here")
        return process.stdout + process.stderr

    def test_gdb(self):
        """A breakpoint on a guest's function that another one calls twice, and a backtrace through it."""
        commands = ["set breakpoint pending on", "break 'wasm!m!burn'", "run", "backtrace", "continue", "continue"]
        output = self.gdb(commands, "--invoke", "outer", "loop.wat", "9")
        self.assertEqual(len(re.findall(r"Breakpoint 1, 0x\w+ in wasm!m!burn \(\)", output)), 2, output)
        self.assertRegex(output, r"#0 .*wasm!m!burn.*\n#1 .* in wsb::(.*\n)*#\d+ +(0x\w+ in )?main ")
        self.assertIn("exited normally", output)

    def test_gdb_in_a_host_function(self):
        """A backtrace from the host through the function that called it, and the host below."""
        self.file("random.wat", RANDOM)
        commands = ["catch syscall getrandom", "run"]
        commands += ["backtrace", "continue"] * 8  # the host asks for random bytes of its own as well
        output = self.gdb(commands, "random.wat")
        guest = r"#\d+ +0x\w+ in wasm!m!asks \(\)\n"
        self.assertRegex(output, rf" enter \(.*\n({guest})+#\d+ .* in wsb::(.*\n)*#\d+ +(0x\w+ in )?main ")


if __name__ == "__main__":
    sys.exit(unittest.main())
