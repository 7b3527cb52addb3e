#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The command as its users meet it: every subcommand, exit statuses, what is printed and where."""

import json
import os
import re
import socket
import subprocess
import time
import unittest

from command_case import COMMAND, CliTest, has_jit, wasi

MATH = """
(module $math
  (memory (export "memory") 1 64)
  (func $add (export "add") (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1)))
  (func $div (export "div") (param i32 i32) (result i32)
    (call $inner (local.get 0) (local.get 1)))
  (func $inner (param i32 i32) (result i32)
    (i32.div_s (local.get 0) (local.get 1)))
  (func (export "pair") (result i64 f64) (i64.const -7) (f64.const 1.5))
  (func (export "half") (param f32) (result f32) (f32.mul (local.get 0) (f32.const 0.5)))
  (func $spin (export "spin") (loop $l (br $l)))
  (func $deep (export "deep") (call $deep))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))
"""

OBJECTS = """(module
  (type $s (struct """ + "(field i64)" * 127 + """))
  (type $node (struct (field (ref null $node))))
  (global $last (mut (ref null $s)) (ref.null $s))
  (func (export "churn") (param $bytes i64)
    (loop $again
      (global.set $last (struct.new_default $s))
      (local.set $bytes (i64.sub (local.get $bytes) (i64.const 1024)))
      (br_if $again (i64.gt_s (local.get $bytes) (i64.const 0)))))
  (func (export "keep") (local $list (ref null $node))
    (loop $again (local.set $list (struct.new $node (local.get $list))) (br $again))))"""


class GeneralTest(CliTest):
    SUBCOMMANDS = ["run", "validate", "inspect", "disas", "wat2wasm", "wasm2wat", "manifest", "audit"]

    def test_version(self):
        self.assertRegex(self.check("--version").stdout, r"^wasm-sandbox \d+\.\d+\.\d+\n$")

    def test_help_names_subcommands_and_statuses(self):
        text = self.check("--help").stdout
        for word in [*self.SUBCOMMANDS, "125", "126", "134", "137", "Examples:"]:
            self.assertIn(word, text)
        self.assertEqual(self.check("-h").stdout, text)

    def test_help_of_subcommands(self):
        for subcommand in self.SUBCOMMANDS:
            text = self.check(subcommand, "--help").stdout
            self.assertIn(f"Usage: wasm-sandbox {subcommand}", text)
            self.assertIn("Example", text)
            self.assertIn("Exit status", text)
            self.assertLessEqual(max(map(len, text.splitlines())), 100)

    def test_every_option_of_run_is_in_its_help_and_works(self):
        self.file("math.wat", MATH)
        help_text = self.check("run", "--help").stdout
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)
        samples = {
            "--invoke": ["--invoke", "add"],
            "--tier": ["--tier", "auto"],
            "--background": ["--tier", "auto", "--background"],
            "--lazy": ["--lazy"],
            "--fuel": ["--fuel", "100"],
            "--max-memory": ["--max-memory", "1MiB"],
            "--max-stack": ["--max-stack", "256KiB"],
            "--max-table": ["--max-table", "10"],
            "--max-instances": ["--max-instances", "1"],
            "--max-open-files": ["--max-open-files", "10"],
            "--max-output": ["--max-output", "1KiB"],
            "--timeout": ["--timeout", "10s"],
            "--manifest": ["--manifest", "empty.toml"],
            "--audit": ["--audit", "audit.jsonl"],
            "--deterministic": ["--deterministic"],
            "--profile": ["--tier", "jit", "--profile", "jitdump"],
            "--gdb": ["--tier", "jit", "--gdb"],
            "--landlock": ["--landlock"],
            "--listen": ["--listen", "127.0.0.1:0"],
            "--dir": ["--dir", "."],
            "--env": ["--env", "A=b"],
            "--listen": ["--listen", "localhost:0"],
            "--connect": ["--connect", f"127.0.0.1:{server.getsockname()[1]}"],
            "--stats": ["--stats=stats.json"],
            "--wasm": ["--wasm", "2.0"],
            "--features": ["--features", "-simd,threads"],
        }
        self.file("empty.toml", "")
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        samples["--connect"] = ["--connect", f"127.0.0.1:{listener.getsockname()[1]}"]
        named = set(re.findall(r"^  (--[a-z-]+)", help_text, re.MULTILINE))
        self.assertEqual(named, set(samples))
        if not has_jit():
            del samples["--profile"], samples["--gdb"]
        invoke = samples.pop("--invoke")
        for sample in [[], *samples.values()]:
            process = self.run_command("run", *sample, *invoke, "math.wat", "1", "2")
            self.assertEqual((process.returncode, process.stdout), (0, "3\n"), sample)

    def test_wrong_command_lines(self):
        self.file("math.wat", MATH)
        for args, text in [
            ([], "a subcommand is missing"),
            (["frobnicate"], "frobnicate"),
            (["--frobnicate"], "--frobnicate"),
            (["run"], "FILE is missing"),
            (["run", "--frobnicate", "math.wat"], "--frobnicate"),
            (["run", "--fuel", "many", "math.wat"], "--fuel"),
            (["run", "--fuel", "-1", "math.wat"], "--fuel"),
            (["run", "--tier", "fast", "math.wat"], "--tier"),
            (["run", "--background", "math.wat"], "--background"),
            (["run", "--max-memory", "1 MiB", "math.wat"], "64MiB"),
            (["run", "--max-stack", "1", "math.wat"], "--max-stack"),
            (["run", "--dir", "::x", "math.wat"], "HOST"),
            (["run", "--env", "=x", "math.wat"], "NAME"),
            (["run", "--env", "WSB_NOT_SET_ANYWHERE", "math.wat"], "not set"),
            (["validate"], "FILE"),
            (["validate", "--wasm=4.0", "math.wat"], "must be 1.0, 2.0 or 3.0"),
            (["run", "--features", "simd,sidm", "math.wat"], '"sidm"; there are: all, sign-extension, '),
            (["inspect", "--features=-mvp", "math.wat"], '"mvp"'),
            (["validate", "--features", "math.wat"], "FILE"),
            (["wat2wasm", "math.wat"], "--output"),
            (["inspect", "--yaml", "math.wat"], "--yaml"),
        ]:
            self.check(*args, status=125, out="", err=[text, "--help"])

    def test_missing_files(self):
        for args in [["run"], ["validate"], ["inspect"], ["wasm2wat"], ["wat2wasm", "-o", "x"]]:
            self.check(*args, "absent.wasm", status=125, out="", err=["absent.wasm", "No such file"])


class InvokeTest(CliTest):
    def setUp(self):
        super().setUp()
        self.file("math.wat", MATH)

    def invoke(self, name, *args, options=(), **expected):
        return self.check("run", *options, "--invoke", name, "math.wat", *args, **expected)

    def test_values_by_type(self):
        self.invoke("add", "2", "3", out="5\n")
        self.invoke("add", "-1", "0x10", out="15\n")
        self.invoke("add", "4294967295", "0", out="-1\n")
        self.invoke("pair", out="-7\n1.5\n")
        self.invoke("half", "1e3", out="500.0\n")
        self.invoke("half", "nan", out="nan\n")

    def test_wrong_values(self):
        self.invoke("add", "2", status=125, out="", err=["1 argument", "(i32, i32) -> (i32)"])
        self.invoke("add", "2", "x", status=125, out="", err=['"x"', "i32"])
        self.invoke("add", "2", "4294967296", status=125, err="i32")
        self.invoke("nothing", status=125, err=['"nothing"', "add: (i32, i32) -> (i32)"])
        self.check("run", "math.wat", status=125, err=["_start", "--invoke", "add"])

    def test_trap_has_reason_and_backtrace(self):
        process = self.invoke("div", "1", "0", status=134, out="", err="integer divide by zero")
        self.assertRegex(
            process.stderr,
            r"(?s)math\.wat: trap: .*0: math!inner \(offset 0x[0-9a-f]+\)\n +1: math!div \(offset",
        )

    def test_recursion_is_a_trap_and_the_stack_is_an_option(self):
        self.invoke("deep", status=134, err=["call stack exhausted", "64 times", "--max-stack"])
        self.invoke("deep", options=["--max-stack", "64KiB"], status=134)

    def test_fuel(self):
        process = self.invoke(
            "spin", options=["--fuel", "1000", "--stats"], status=137, out="", err=["out of fuel", "--fuel"]
        )
        stats = json.loads(process.stderr.splitlines()[-1])
        self.assertEqual((stats["fuel"], stats["exit"]), (1000, 137))
        self.invoke("add", "1", "2", options=["--fuel", "100"], out="3\n")
        self.invoke("add", "1", "2", options=["--fuel", "0"], status=137)

    def test_memory(self):
        self.invoke("grow", "15", options=["--max-memory", "1MiB"], out="1\n")
        self.invoke("grow", "16", options=["--max-memory", "1MiB"], out="-1\n")
        self.invoke("grow", "64", out="-1\n")
        self.invoke("grow", "1", options=["--max-memory", "1KiB"], status=137, err="--max-memory")

    def test_objects_count_as_memory(self):
        """10 GB of short-lived structures within 64 MiB; structures that are kept end at the limit."""
        (self.directory / "objects.wat").write_text(OBJECTS)
        run = ["run", "--max-memory", "64MiB", "--stats", "--invoke"]
        process = self.run_command(*run, "churn", "objects.wat", "10000000000")
        stats = json.loads(process.stderr.splitlines()[-1])
        self.assertEqual(process.returncode, 0, process.stderr)
        self.assertLessEqual(stats["peak_memory_bytes"], 64 << 20)
        self.assertGreater(stats["collections"], 100)
        process = self.run_command(*run, "keep", "objects.wat")
        self.assertEqual(process.returncode, 137)
        self.assertIn("allocation failure: the memory limit of 67108864 bytes is reached", process.stderr)
        self.assertIn("--max-memory", process.stderr)

    def test_stats(self):
        for option, source in [("--stats", None), ("--stats=stats.json", "stats.json")]:
            process = self.run_command("run", option, "--invoke", "grow", "math.wat", "3")
            self.assertEqual((process.returncode, process.stdout), (0, "1\n"))
            text = (self.directory / source).read_text() if source else process.stderr
            stats = json.loads(text)
            self.assertEqual(
                list(stats),
                ["fuel", "wall_ns", "cpu_ns", "peak_memory_bytes", "collections", "longest_pause_ns"]
                + ["functions", "translated_functions", "translated_bytes"]
                + ["machine_functions", "machine_bytes", "tier", "exit"],
            )
            self.assertEqual(stats["peak_memory_bytes"], 4 * 65536)
            self.assertEqual((stats["tier"], stats["exit"]), ("interp", 0))
            self.assertGreater(stats["fuel"], 0)
            self.assertGreater(stats["wall_ns"], 0)

    def test_lazy_translates_what_is_called(self):
        functions = 1000
        text = "".join(f"(func (export \"f{i}\") (result i32) (i32.const {i}))" for i in range(functions))
        self.file("many.wat", f"(module {text})")
        for options, translated in [([], functions), (["--lazy"], 1)]:
            process = self.run_command("run", *options, "--stats", "--invoke", "f7", "many.wat")
            self.assertEqual((process.returncode, process.stdout), (0, "7\n"))
            stats = json.loads(process.stderr)
            self.assertEqual((stats["functions"], stats["translated_functions"]), (functions, translated))
            self.assertGreater(stats["translated_bytes"], 0)

    def test_lazy_says_the_same_of_traps(self):
        self.file("trap.wat", "(func $g unreachable) (func (export \"f\") nop (call $g))")
        said = [
            self.run_command("run", *options, "--invoke", "f", "trap.wat") for options in ([], ["--lazy"])
        ]
        self.assertEqual((said[0].returncode, said[0].stderr), (said[1].returncode, said[1].stderr))
        self.assertEqual(said[0].returncode, 134)

    def has_jit(self):
        """Whether there is machine code; if not, the command says so."""
        process = self.run_command("run", "--tier", "jit", "--invoke", "add", "math.wat", "1", "2")
        if process.returncode == 125:
            self.assertIn("jit is not in this build", process.stderr)
            return False
        self.assertEqual((process.returncode, process.stdout, process.stderr), (0, "3\n", ""))
        return True

    def test_machine_code_does_what_the_interpreter_does(self):
        if not self.has_jit():
            self.skipTest("no machine code in this build, or not for this processor")
        for args in (["add", "2147483647", "1"], ["div", "7", "0"], ["div", "-7", "2"], ["pair"], ["half", "3"],
                     ["grow", "1"], ["deep"]):
            for limits in [], ["--fuel", "100"], ["--fuel", "100000"], ["--timeout", "1h"]:
                said = [
                    self.run_command("run", *limits, "--tier", *tier, "--invoke", args[0], "math.wat", *args[1:])
                    for tier in (["interp"], ["jit"], ["auto"], ["auto", "--background"])
                ]
                self.assertEqual(len({(p.returncode, p.stdout, p.stderr) for p in said}), 1)
        self.check("run", "--tier", "jit", "--timeout", "50ms", "--invoke", "spin", "math.wat", status=124,
                   err="")

    def test_machine_code_comes_from_another_thread_where_asked(self):
        if not self.has_jit():
            self.skipTest("no machine code in this build, or not for this processor")
        self.file("long.wat", "(func (export \"f\") (result i32) (local i32) (loop (br_if 0 (i32.lt_u (local.tee 0"
                              " (i32.add (local.get 0) (i32.const 1))) (i32.const 500000000)))) (local.get 0))")
        process = self.run_command("run", "--tier", "auto", "--background", "--stats", "--invoke", "f", "long.wat")
        self.assertEqual((process.returncode, process.stdout), (0, "500000000\n"))
        stats = json.loads(process.stderr)
        self.assertEqual((stats["tier"], stats["machine_functions"]), ("auto", 1))

    def test_fuel_is_the_same_in_every_run(self):
        fuels = set()
        jit = [["--tier", "jit"], ["--tier", "jit", "--fuel", "100000"]] if self.has_jit() else []
        for options in [[], ["--fuel", "100000"], ["--tier", "interp"], ["--lazy"], *jit]:
            process = self.run_command("run", *options, "--stats", "--invoke", "add", "math.wat", "1", "2")
            fuels.add(json.loads(process.stderr)["fuel"])
        self.assertEqual(len(fuels), 1)


LOOP = """(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\20\\00\\00\\00\\08\\00\\00\\00") (data (i32.const 32) "eightby\\n")
  (func (export "loop") (loop (br 0)))
  (func (export "flood") (loop
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16))) (br 0)))
  (func (export "sleep") (i32.store (i32.const 216) (i32.const 1))
    (i64.store (i32.const 224) (i64.const 3600000000000))
    (drop (call $poll (i32.const 200) (i32.const 300) (i32.const 1) (i32.const 400))))
  (func (export "read") (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)))))
"""


class LimitTest(CliTest):
    def setUp(self):
        super().setUp()
        self.file("loop.wat", LOOP)

    def test_time_ends_everything(self):
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        self.addCleanup(os.close, writing)
        for name in ["loop", "sleep", "read"]:
            begin = time.monotonic()
            process = subprocess.run(
                [COMMAND, "run", "--timeout", "100ms", "--invoke", name, "loop.wat"],
                cwd=self.directory, stdin=reading, capture_output=True, text=True, check=False, timeout=60)
            self.assertEqual(process.returncode, 124, process.stderr)
            self.assertIn("the deadline has passed", process.stderr)
            self.assertIn("--timeout", process.stderr)
            self.assertLess(time.monotonic() - begin, 5)

    def test_output_is_limited(self):
        process = self.run_command("run", "--max-output", "100", "--invoke", "flood", "loop.wat")
        self.assertEqual(process.returncode, 137, process.stderr)
        self.assertEqual(len(process.stdout), 100)
        self.assertIn("limit reached: output: 100 bytes allowed", process.stderr)

    def test_deterministic_is_the_same_on_every_machine(self):
        self.file("nan.wat", '(func (export "f") (result i64) (i64.reinterpret_f64 (f64.div (f64.const 0) (f64.const 0))))')
        canonical = f"{0x7ff8 << 48}\n"
        self.check("run", "--deterministic", "--invoke", "f", "nan.wat", out=canonical)
        self.check("run", "--deterministic", "--lazy", "--invoke", "f", "nan.wat", out=canonical)
        self.file("canonical.toml", "[module]\ncanonical_nans = true\n")
        self.check("run", "--manifest", "canonical.toml", "--invoke", "f", "nan.wat", out=canonical)
        self.assertNotEqual(self.run_command("run", "--invoke", "f", "nan.wat").stdout, canonical)

    def test_manifest_gives_and_takes(self):
        self.file("hello.toml", """
            [module]
            path = "loop.wat"
            [limits]
            timeout = "50ms"
            output = 16
            [stdio]
            stdout = true
            [audit]
            file = "audit.jsonl"
            """)
        self.assertIn("standard output: passed on", self.check("manifest", "check", "hello.toml").stdout)
        process = self.run_command("run", "--manifest", "hello.toml", "--invoke", "flood", "loop.wat")
        self.assertEqual((process.returncode, process.stdout), (137, "eightby\n" * 2), process.stderr)
        process = self.run_command("run", "--manifest", "hello.toml", "--max-output", "8", "--invoke", "flood",
                                   "loop.wat")
        self.assertEqual(process.stdout, "eightby\n")
        self.assertEqual(self.run_command("run", "--manifest", "hello.toml", "--invoke", "loop").returncode, 124)
        records = [json.loads(line) for line in (self.directory / "audit.jsonl").read_text().splitlines()]
        self.assertIn("limit_reached", [record["event"] for record in records])
        self.assertIn(f"{len(records)} records", self.check("audit", "verify", "audit.jsonl").stdout)
        with open(self.directory / "audit.jsonl", "a", encoding="utf-8") as log:
            log.write("{}\n")
        self.check("audit", "verify", "audit.jsonl", status=125, err="line")

    def test_mistakes_of_manifests(self):
        self.file("bad.toml", "[limits]\nfeul = 1\n")
        for command in [("manifest", "check", "bad.toml"), ("run", "--manifest", "bad.toml", "loop.wat")]:
            self.check(*command, status=125, err="bad.toml:2:1: unknown key limits.feul")
        schema = json.loads(self.check("manifest", "schema").stdout)
        self.assertIn("timeout", schema["properties"]["limits"]["properties"])


class ValidateTest(CliTest):
    def test_valid_and_invalid(self):
        self.file("good.wat", MATH)
        self.file("bad.wat", '(module (func $broken (export "b") (result i32) (i64.const 1)))')
        self.check("validate", "good.wat", out="good.wat: valid\n")
        process = self.check("validate", "good.wat", "bad.wat", status=126, out="good.wat: valid\n")
        self.assertRegex(
            process.stderr, r'bad\.wat: offset 0x[0-9a-f]+ .*function 0 "broken": type mismatch: .*i32.*i64'
        )
        self.check("run", "bad.wat", status=126, out="", err='function 0 "broken"')

    def test_malformed_binaries(self):
        for name, content, text in [
            ("empty.wasm", b"", "unexpected end"),
            ("cut.wasm", b"\0asm\1\0\0\0\1\xff", "offset 0x"),
            ("version.wasm", b"\0asm\2\0\0\0", "unknown binary version"),
        ]:
            self.file(name, content)
            for command in ["validate", "run", "inspect", "wasm2wat"]:
                self.check(command, name, status=126, out="", err=[name, text])

    def test_malformed_text_has_line_and_column(self):
        self.file("bad.wat", "(module\n  (func (export \"f\")\n    (i32.frobnicate)))\n")
        for args in [["validate"], ["run"], ["wat2wasm", "-o", "out.wasm"]]:
            process = self.check(*args, "bad.wat", status=126, out="")
            self.assertRegex(process.stderr, r"bad\.wat:3:\d+: ")
        self.assertFalse((self.directory / "out.wasm").exists())

    def test_names_cannot_reach_the_terminal(self):
        self.file("evil.wat", '(module (func (export "_start\\1b[31m")))')
        process = self.check("run", "evil.wat", status=125)
        self.assertNotIn("\x1b", process.stderr)
        self.assertNotIn("\x1b", self.check("inspect", "evil.wat").stdout)


class FeaturesTest(CliTest):
    WIDE = '''(module (func (export "f") (param i64 i64) (result i64 i64)
      (i64.mul_wide_u (local.get 0) (local.get 1))))'''
    SIMD = "(module (func (drop (i8x16.splat (i32.const 1)))))"

    def test_every_subcommand_takes_them(self):
        self.file("wide.wat", self.WIDE)
        self.check("wat2wasm", "--features=all", "wide.wat", "-o", "wide.wasm")
        for command in [["run", "--invoke", "f"], ["validate"], ["inspect"], ["wasm2wat"]]:
            off, on = ["--features", "-wide-arithmetic"], ["--features", "wide-arithmetic"]
            arguments = ["wide.wasm", "-1", "2"] if command[0] == "run" else ["wide.wasm"]
            self.check(*command, *on, *arguments)
            self.check(*command, *off, *arguments, status=126, out="",
                       err=["needs the feature wide-arithmetic", "--features"])  # fmt: skip
        self.check("wat2wasm", "wide.wat", "-o", "no.wasm", status=126, err="wide-arithmetic")
        self.assertFalse((self.directory / "no.wasm").exists())
        self.check("run", "--features=all", "--invoke", "f", "wide.wat", "--", status=125)
        self.check("run", "--features=all", "--invoke", "f", "wide.wat", "-1", "4", out="-4\n3\n")

    def test_versions_and_lists(self):
        self.file("simd.wat", self.SIMD)
        refused = {"status": 126, "out": "", "err": "i8x16.splat needs the feature simd"}
        for options in [[], ["--wasm", "2.0"], ["--wasm=3.0"], ["--wasm=1.0", "--features=simd"],
                        ["--features", "-simd", "--features", "all"], ["--features=-all,all,-gc"]]:  # fmt: skip
            self.check("validate", *options, "simd.wat", out="simd.wat: valid\n")
        for options in [["--wasm", "1.0"], ["--features", "-simd"], ["--features=all,-simd"],
                        ["--features=-all"], ["--features", "simd,threads", "--features=-simd"]]:  # fmt: skip
            self.check("validate", *options, "simd.wat", **refused)

    def test_inspect_knows_all_unless_told(self):
        self.file("wide.wat", self.WIDE)
        self.assertIn("wide-arithmetic", self.check("inspect", "wide.wat").stdout)
        self.check("inspect", "--wasm=3.0", "wide.wat", status=126, err="wide-arithmetic")


class InspectTest(CliTest):
    def setUp(self):
        super().setUp()
        self.file(
            "module.wat",
            f"""(module $example
                 {wasi("path_open", "iiiiillii")}
                 {wasi("random_get", "ii")}
                 (import "env" "log" (func (param i32)))
                 (memory (export "memory") 2 10)
                 (func (export "f") (param i32) (result i32) (i32.extend8_s (local.get 0))))""",
        )

    def test_text(self):
        text = self.check("inspect", "module.wat").stdout
        for part in [
            "wasi_snapshot_preview1.path_open: function (i32, i32, i32, i32, i32, i64, i64, i32, i32)",
            "f: function (i32) -> (i32)",
            "memory: memory 2..10 pages",
            "sign-extension",
            "--dir HOST[::GUEST][:ro]",
            "random bytes",
            "env.log: not available",
        ]:
            self.assertIn(part, text)

    def test_json(self):
        found = json.loads(self.check("inspect", "module.wat", "--json").stdout)
        self.assertEqual(found["name"], "example")
        self.assertEqual([i["provided"] for i in found["imports"]], [True, True, False])
        self.assertEqual(found["exports"][1], {"name": "f", "kind": "function", "type": "function (i32) -> (i32)"})
        self.assertEqual(found["features"], ["sign-extension"])
        self.assertEqual(found["memories"], ["memory 2..10 pages"])
        self.assertEqual(found, json.loads(self.check("inspect", "--json", "module.wat").stdout))


class ConvertTest(CliTest):
    def test_round_trip(self):
        self.file("math.wat", MATH)
        self.check("wat2wasm", "math.wat", "-o", "math.wasm", out="")
        self.assertEqual((self.directory / "math.wasm").read_bytes()[:4], b"\0asm")
        self.check("run", "--invoke", "add", "math.wasm", "2", "3", out="5\n")
        self.check("wasm2wat", "math.wasm", "-o", "again.wat", out="")
        self.assertEqual(
            self.check("wasm2wat", "math.wasm").stdout, (self.directory / "again.wat").read_text()
        )
        self.check("wat2wasm", "again.wat", "--output", "again.wasm")
        self.check("run", "--invoke", "add", "again.wasm", "2", "3", out="5\n")
        self.check("wasm2wat", "again.wasm", out=(self.directory / "again.wat").read_text())

    def test_errors(self):
        self.file("math.wat", MATH)
        self.file("bad.wat", "(module (func (result i32)))")
        self.check("wat2wasm", "bad.wat", "-o", "bad.wasm", status=126, err="type mismatch")
        self.assertFalse((self.directory / "bad.wasm").exists())
        self.check("wat2wasm", "math.wat", "-o", "no/such/dir.wasm", status=125, err="no/such/dir.wasm")


if __name__ == "__main__":
    unittest.main()
