# SPDX-License-Identifier: Apache-2.0
"""The checks of tools/ find what they are for, and bench/compare.py compares."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ.get("WSB_SOURCE", pathlib.Path(__file__).parents[2]))
sys.path.insert(0, str(SOURCE / "tools"))
import check_layers  # noqa: E402
import check_size  # noqa: E402

sys.path.insert(0, str(SOURCE / "bench"))
import engines  # noqa: E402
import report  # noqa: E402

COMMAND = os.environ.get("WASM_SANDBOX", "wasm-sandbox")
COMPARE = SOURCE / "bench" / "compare.py"


class Tools(unittest.TestCase):
    def tree(self, files):
        root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        return root

    def test_include_upwards_is_found(self):
        root = self.tree({"engine/base/a.h": '#include "engine/isa/b.h"\n', "engine/isa/b.h": ""})
        self.assertEqual(len(check_layers.check(root)), 1)

    def test_include_downwards_is_fine(self):
        root = self.tree({"engine/base/a.h": "", "engine/isa/b.h": '#include "engine/base/a.h"\n'})
        self.assertEqual(check_layers.check(root), [])

    def test_cycle_is_found(self):
        root = self.tree({"engine/base/a.h": '#include "engine/base/b.h"\n',
                          "engine/base/b.h": '#include "engine/base/a.h"\n'})
        self.assertIn("include cycle", check_layers.check(root)[0])

    def test_the_project_itself(self):
        self.assertEqual(check_layers.check(SOURCE), [])

    def test_long_files_are_found(self):
        root = self.tree({"long.cpp": "\n" * 801, "middling.cpp": "\n" * 601, "short.cpp": "\n" * 600})
        found = check_size.check(sorted(root.iterdir()))
        self.assertEqual([failure for _, failure in found], [True, False])


class Profile(unittest.TestCase):
    """Release builds are optimised by cmake/loading.proftext, and it tells of the code that there is."""

    def setUp(self):
        build = pathlib.Path(os.environ.get("WSB_BUILD", SOURCE / "build" / "release"))
        self.archive = build / "libwasm_sandbox.a"
        cache = (build / "CMakeCache.txt").read_text()
        if "WSB_PROFDATA:FILEPATH=/" not in cache or "WSB_PROFILE:BOOL=ON" not in cache:
            self.skipTest("this build has no profile: another compiler, another kind of build, or no llvm-profdata")
        self.profdata = re.search("WSB_PROFDATA:FILEPATH=(.*)", cache).group(1)
        self.commands = json.loads((build / "compile_commands.json").read_text())

    def test_layers_that_load_modules_use_it(self):
        for layer in ["binary", "validate", "lower", "jit"]:
            lines = [row["command"] for row in self.commands if f"wsb_layer_{layer}.dir" in row["command"]]
            self.assertNotEqual(lines, [], layer)
            for line in lines:
                used = re.search(r"-fprofile-use=(\S+)", line)
                self.assertIsNotNone(used, line)
                self.assertTrue(pathlib.Path(used.group(1)).is_file(), line)

    def test_most_of_its_functions_exist(self):
        text = (SOURCE / "cmake" / "loading.proftext").read_text()
        told = set(re.findall(r"^_Z\w+$", text, re.MULTILINE))
        self.assertGreater(len(told), 300)
        nm = self.profdata.replace("profdata", "nm")
        listed = subprocess.run([nm, "--defined-only", "--just-symbol-name", self.archive], capture_output=True,
                                text=True, check=True).stdout  # fmt: skip
        known = told & set(listed.split())
        self.assertGreater(len(known), len(told) * 2 / 3, "record it anew: ./dev profile FILE...")


class Compare(unittest.TestCase):
    """What bench/compare.py measures is noise here; what it checks is not."""

    def setUp(self):
        self.directory = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def compare(self, *args, status=0):
        process = subprocess.run([sys.executable, COMPARE, "--ours", COMMAND, "--quiet", *args],
                                 capture_output=True, text=True, timeout=300)
        self.assertEqual(process.returncode, status, process.stdout + process.stderr)
        return process.stdout + process.stderr

    def hello(self):
        file = self.directory / "hello.wasm"
        subprocess.run([COMMAND, "wat2wasm", SOURCE / "examples/hello/hello.wat", "-o", file], check=True)
        return str(file)

    def test_a_kernel_with_its_native_twin(self):
        build = [SOURCE / "bench/programs/build.sh", self.directory, "fib", "script"]
        subprocess.run(build, check=True, timeout=300)
        self.compare(f"{self.directory}/fib.wasm,1", f"{self.directory}/script.wasm,1",
                     "--only", "native,ours,ours+fuel", "--rounds", "1",
                     "--json", self.directory / "out.json", "--plot", self.directory / "out.svg")
        found = json.loads((self.directory / "out.json").read_text())
        self.assertEqual(found["mean_over"], ["fib", "script"])
        for program in found["programs"].values():
            self.assertEqual(list(program), ["native", "ours", "ours+fuel"])
            self.assertTrue(all("error" not in entry for entry in program.values()), program)
            self.assertGreater(program["ours"]["ratio"], 0)
        self.assertIn("<title>ours, fib", (self.directory / "out.svg").read_text())

    def test_wrong_outputs_and_statuses_are_seen(self):
        (self.directory / "hello.native").write_text("#!/bin/sh\necho Hello from WebAssembly!\n")
        (self.directory / "hello.native").chmod(0o755)
        text = self.compare(self.hello(), "--rounds", "2", "--only", "native,ours,liar,broken", "--reference",
                            "ours", "--engine", "liar=echo", "--engine", "broken=false", status=1)
        self.assertRegex(text, r"hello +[0-9.]+ +[0-9.]+ +1\.00 +wrong output +status 1")

    def test_start_up_and_loading(self):
        text = self.compare("--startup", "--rounds", "2", "--only", "ours")
        self.assertRegex(text, r"ours +[0-9.]+ +[0-9.]+ +[0-9.]+")
        text = self.compare("--startup", "--rounds", "2", "--only", "liar", "--engine", "liar=echo", status=2)
        self.assertIn("echo: prints something else", text)
        text = self.compare("--load", self.hello(), "--rounds", "2", "--only", "ours")
        self.assertRegex(text, r"(?s)hello.wasm: .*ours +[0-9.]+ +[0-9.]+ +[0-9.]+ +[0-9.]+")

    def test_means_are_over_what_all_engines_ran(self):
        ratios = {"ours": {"a": 2.0, "b": 8.0, "simd": 64.0}, "wasm3": {"a": 3.0, "b": 3.0}, "absent": {}}
        shared = report.shared_programs(["a", "b", "simd"], ratios)
        self.assertEqual(shared, ["a", "b"])
        self.assertAlmostEqual(report.mean_over(ratios["ours"], shared), 4.0)

    def test_engines_do_not_run_what_they_lack(self):
        program = engines.Program(self.hello(), needs={"simd"})
        self.assertIsNone(engines.Engine("wasm3", ["wasm3", "{}"]).line(program, []))
        line = engines.Engine("wasmtime", engines.KNOWN_ENGINES["wasmtime"]).line(program, ["x"])
        self.assertEqual(line, ["wasmtime", "run", str(program.file.resolve()), "x"])


class WasiSuite(unittest.TestCase):
    """tests/wasi/suite.py tells tests that pass from those that do not."""

    EXIT = """(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (memory (export "memory") 1) (func (export "_start") (call $exit (i32.const {}))))"""

    def run_suite(self, files, *filters):
        root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        folder = root / "tests" / "c" / "testsuite" / "wasm32-wasip1"
        folder.mkdir(parents=True)
        for name, text in files.items():
            (folder / name).write_text(text)
        command = [sys.executable, SOURCE / "tests" / "wasi" / "suite.py", root, *filters]
        process = subprocess.run(command, capture_output=True, text=True, check=False,
                                 env=os.environ | {"WASM_SANDBOX": COMMAND})
        return process.returncode, process.stdout + process.stderr

    def test_statuses_and_outputs_are_compared(self):
        files = {"good.wasm": self.EXIT.format(0), "seven.wasm": self.EXIT.format(7),
                 "seven.json": '{"exit_code": 7, "stdout": ""}', "bad.wasm": self.EXIT.format(1),
                 "silent.wasm": self.EXIT.format(0), "silent.json": '{"stdout": "more"}'}
        status, text = self.run_suite(files)
        self.assertEqual(status, 1)
        self.assertRegex(text, "c/good +ok")
        self.assertRegex(text, "c/seven +ok")
        self.assertRegex(text, "c/bad +FAIL")
        self.assertIn("exit_code: expected 0, got 1", text)
        self.assertIn("stdout: expected 'more', got ''", text)
        self.assertRegex(text, "all +2 of 4")
        self.assertEqual(self.run_suite(files, "seven")[0], 0)

    def test_nothing_to_run_and_what_is_not_understood(self):
        self.assertEqual(self.run_suite({})[0], 2)
        status, text = self.run_suite({"a.wasm": self.EXIT.format(0), "a.json": '{"proposals": []}'})
        self.assertNotEqual(status, 0)
        self.assertIn("proposals", text)


if __name__ == "__main__":
    unittest.main()
