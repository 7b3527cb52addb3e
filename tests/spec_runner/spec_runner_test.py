# SPDX-License-Identifier: Apache-2.0
"""The runner of the official suite: failures, unknown commands, hangs and crashes are counted as such."""

import json
import os
import pathlib
import resource
import subprocess
import tempfile
import time
import unittest

WASM_SPEC = os.environ["WASM_SPEC"]

GOOD = """
(module (func (export "two") (result i32) (i32.const 2))
        (func (export "nan") (result f32) (f32.const nan:0x600000))
        (func (export "trap") unreachable))
(assert_return (invoke "two") (i32.const 2))
(assert_return (invoke "two") (either (i32.const 1) (i32.const 2)))
(assert_return (invoke "nan") (f32.const nan:arithmetic))
(assert_trap (invoke "trap") "unreachable")
(assert_malformed (module quote "(func") "unexpected token")
"""
GOOD_COUNT = 6


class SpecRunnerTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def script(self, name, text):
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def run_spec(self, *arguments, limit_cpu_seconds=None):
        """Runs wasm-spec on arguments. Returns exit status, output lines and the JSON document."""

        def limit():
            if limit_cpu_seconds is not None:
                resource.setrlimit(resource.RLIMIT_CPU, (limit_cpu_seconds, limit_cpu_seconds + 1))

        json_path = self.directory / "results.json"
        done = subprocess.run(
            [WASM_SPEC, "--json", json_path, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            preexec_fn=limit,
        )
        document = json.loads(json_path.read_text()) if json_path.exists() else None
        return done.returncode, done.stdout.splitlines(), document

    def assert_counts(self, result, passed, failed):
        status, lines, document = result
        self.assertEqual(lines[-1], f"{passed} passed, {failed} failed, 0 skipped", lines)
        self.assertEqual(document["total"], {"passed": passed, "failed": failed, "skipped": 0})
        self.assertEqual(status == 0, failed == 0)

    def test_all_pass(self):
        result = self.run_spec(self.script("good.wast", GOOD))
        self.assert_counts(result, GOOD_COUNT, 0)

    def test_failures_have_their_line_and_both_values(self):
        path = self.script(
            "bad.wast",
            GOOD
            + """(assert_return (invoke "two") (i32.const 3))
(assert_return (invoke "nan") (f32.const nan:canonical))
(assert_trap (invoke "two") "unreachable")
(assert_trap (invoke "trap") "integer overflow")
(assert_return (invoke "nothing"))
(assert_invalid (module (func)) "type mismatch")
(assert_invalid (module quote "(func") "unexpected token")
(assert_malformed (module quote "(func (result i32))") "type mismatch")
(module (func (result i32)))
(assert_return (invoke "two") (i32.const 2))
""",
        )
        result = self.run_spec(path)
        self.assert_counts(result, GOOD_COUNT, 10)
        first = 1 + GOOD.count("\n")
        failures = result[2]["files"][0]["failures"]
        self.assertEqual([failure["line"] for failure in failures], list(range(first, first + 10)))
        self.assertTrue(
            any(line.startswith(f"{path}:{first}: expected i32:3") and "got i32:2" in line for line in result[1])
        )
        self.assertIn("nan:canonical", failures[1]["message"])
        self.assertIn("accepted", failures[5]["message"])
        self.assertIn("got malformed", failures[6]["message"])
        self.assertIn("got invalid", failures[7]["message"])
        # After a module that is refused nothing is current.
        self.assertIn("no such instance", failures[9]["message"])

    def test_an_unknown_command_is_a_failure(self):
        result = self.run_spec(self.script("unknown.wast", GOOD + '(assert_delight (invoke "two"))\n'))
        status, lines, document = result
        self.assertNotEqual(status, 0)
        self.assertEqual(document["total"]["skipped"], 0)
        self.assertGreater(document["total"]["failed"], 0)
        self.assertEqual(document["files"][0]["failures"][0]["line"], 1 + GOOD.count("\n"))
        self.assertTrue(lines[-1].endswith(" failed, 0 skipped"))

    def test_a_hang_costs_its_file_only(self):
        hang = '(module (func (export "hang") (loop (br 0))))\n(invoke "hang")\n(invoke "hang")\n(invoke "hang")\n'
        before = time.monotonic()
        hanging = self.script("b/hang.wast", hang)
        self.script("a/good.wast", GOOD)
        self.script("c/deep/good.wast", GOOD)
        result = self.run_spec("--timeout", "1", self.directory)
        self.assertLess(time.monotonic() - before, 20)
        self.assert_counts(result, 2 * GOOD_COUNT + 1, 3)
        files = result[2]["files"]
        self.assertEqual([pathlib.Path(file["path"]).name for file in files], ["good.wast", "hang.wast", "good.wast"])
        self.assertEqual(files[1]["failures"][0]["line"], 2)
        self.assertIn("timed out", files[1]["failures"][0]["message"])
        self.assertEqual(files[1]["not_reached"], 2)
        directories = result[2]["directories"]
        self.assertEqual(directories[str(hanging.parent)], {"passed": 1, "failed": 3, "skipped": 0})
        self.assertEqual(len(directories), 3)

    def test_a_crash_costs_its_file_only(self):
        # The limit of CPU time is each process's own: it kills the one that hangs by a signal.
        self.script("a/hang.wast", '(module (func (export "hang") (loop (br 0))))\n(invoke "hang")\n(module)\n')
        self.script("b/good.wast", GOOD)
        result = self.run_spec(self.directory, limit_cpu_seconds=1)
        self.assert_counts(result, GOOD_COUNT + 1, 2)
        self.assertIn("crashed: CPU time limit exceeded", result[2]["files"][0]["failures"][0]["message"])
        self.assertEqual(result[2]["files"][0]["not_reached"], 1)

    def test_the_list_of_failures_is_bounded_the_counts_are_not(self):
        wrong = '(assert_return (invoke "two") (i32.const 3))\n' * 7
        result = self.run_spec("--list-failures", "2", self.script("many.wast", GOOD + wrong))
        self.assert_counts(result, GOOD_COUNT, 7)
        self.assertEqual(sum("expected i32:3" in line for line in result[1]), 2)
        self.assertTrue(any("5 more failures" in line for line in result[1]))
        self.assertEqual(len(result[2]["files"][0]["failures"]), 7)

    def test_threads_fail_where_they_are_waited_for(self):
        text = """(module $m (memory (export "memory") 1 1 shared))
(thread $good (shared (module $m))
  (register "m" $m)
  (module (memory (import "m" "memory") 1 1 shared) (func (export "f") (result i32) (i32.load (i32.const 0))))
  (assert_return (invoke "f") (i32.const 0)))
(thread $bad
  (module (func (export "f") (result i32) (i32.const 1)))
  (assert_return (invoke "f") (i32.const 2))
  (register "m" $m))
(wait $good)
(wait $bad)
(wait $bad)
(thread $none (shared (module $nothing)))
(thread $left (assert_invalid (module) "nothing"))
"""
        result = self.run_spec(self.script("threads-own/thread.wast", text))
        self.assert_counts(result, 5, 4)
        failures = result[2]["files"][0]["failures"]
        self.assertEqual([failure["line"] for failure in failures], [11, 12, 13, 0])
        self.assertIn("line 8: expected i32:2", failures[0]["message"])
        self.assertIn("line 9: no such instance: $m", failures[0]["message"])
        self.assertIn("no such thread", failures[1]["message"])
        self.assertIn("no such instance: $nothing", failures[2]["message"])
        self.assertIn("thread $left: line 14", failures[3]["message"])

    PAGE = "before\n<!-- begin: written by wasm-spec --report -->\nold\n<!-- end: written by wasm-spec --report -->\nafter\n"

    def report_on(self, *arguments, page_text=PAGE):
        """Runs --report on the suite in `suite`. Returns exit status, output and the page."""
        source = "# Suite\n\n| placed at | commit |\n|---|---|\n| core/ | 1234 |\n\n| other | table |\n"
        self.script("suite/SOURCE.md", source)
        page = self.script("page.md", page_text)
        status, lines, _ = self.run_spec("--report", page, *arguments, self.directory / "suite")
        return status, lines, page.read_text()

    def executed(self, page):
        """Counts and files by keyword."""
        rows = [line.strip("|").split(" | ") for line in page.splitlines() if line.startswith("| `") and ".wast`" in line]
        return {row[0].strip(" `"): (int(row[2].replace(",", "")), row[3].strip(" |")) for row in rows}

    def test_the_report_counts_what_was_executed(self):
        loop = """(module (global i32 (i32.mul (i32.const 2) (i32.const 3)))
  (func (export "f") (param i32) (result i32)
    (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (if (result i32) (local.get 0) (then (i32.clz (i32.const 1))) (else (i32.ctz (i32.const 1))))
    (block (br 0) (nop))
    (i32.div_u (i32.const 1))
    (i32.eqz)))
(assert_return (invoke "f" (i32.const 1500)) (i32.const 0))
"""
        trap = '(module (func (export "f") (drop (i32.eqz (i32.div_u (i32.const 1) (i32.const 0))))))\n'
        self.script("suite/core/loop.wast", loop.replace("(i32.div_u (i32.const 1))", "(drop)\n    (i32.const 7)"))
        self.script("suite/core/trap.wast", trap + '(assert_trap (invoke "f") "integer divide by zero")\n')
        self.script("suite/proposals/unheard-of/new.wast", "(module (unheard))\n")
        status, lines, page = self.report_on()
        self.assertEqual(status, 1, "most instructions were never executed")
        self.assertEqual(lines[-1], "4 passed, 0 failed, 0 skipped")
        self.assertIn("never executed: i32.rotl", lines)
        self.assertNotIn("never executed: i32.atomic.load", lines, "its feature was not on")
        self.assertTrue(page.startswith("before\n<!-- begin"))
        self.assertTrue(page.endswith("-->\nafter\n"))
        self.assertNotIn("old", page)
        self.assertIn("| core/ | 1234 |", page)
        self.assertNotIn("| other |", page)
        self.assertIn("| `core` | 2 | 4 | 0 | 0 |", page)
        self.assertIn("| `proposals/unheard-of` | 1 | not run: no feature of this engine | | |", page)
        executed = self.executed(page)
        self.assertEqual(executed["br_if"], (1500, "`core/loop.wast`"))
        self.assertEqual(executed["local.get"], (1501, "`core/loop.wast`"))
        self.assertEqual(executed["loop"][0], 1)
        self.assertEqual(executed["if"][0], 1)
        self.assertEqual(executed["else"][0], 1)
        self.assertEqual(executed["i32.ctz"][0], 1)
        self.assertEqual(executed["br"][0], 1)
        self.assertEqual(executed["i32.mul"][0], 1, "in a constant expression")
        self.assertEqual(executed["i32.div_u"], (1, "`core/trap.wast`"), "trapped")
        self.assertEqual(executed["i32.eqz"], (1, "`core/loop.wast`"), "not behind the trap")
        # loop: 2 in the global, 1500, 1, 1; trap: 2
        self.assertEqual(executed["i32.const"], (1506, "`core/loop.wast`, `core/trap.wast`"))
        # loop, if, block, the function, and the global's expression
        self.assertEqual(executed["end"][0], 5)
        self.assertFalse({"i32.clz", "nop", "i32.rotl"} & set(executed))

    def test_the_report_counts_legacy_exceptions_where_they_arrive(self):
        text = """(module (tag $e)
  (func $g (param i32) (if (local.get 0) (then (throw $e))))
  (func (export "f") (param i32)
    (try (do (call $g (local.get 0))) (catch $e (try (do (rethrow 1)) (catch_all))))
    (try (do) (delegate 0))))
(invoke "f" (i32.const 1)) (invoke "f" (i32.const 0)) (invoke "f" (i32.const 0))
"""
        self.script("suite/legacy-exceptions/try.wast", text)
        executed = self.executed(self.report_on()[2])
        counts = {name: executed[name][0] for name in ("try", "catch", "catch_all", "rethrow", "throw", "delegate")}
        self.assertEqual(counts, {"try": 7, "catch": 1, "catch_all": 1, "rethrow": 1, "throw": 1, "delegate": 3})

    def test_the_report_can_be_compared(self):
        self.script("suite/core/good.wast", GOOD)
        page = self.report_on()[2]
        same, _, unchanged = self.report_on("--compare", page_text=page)
        self.assertEqual(unchanged, page)
        status, lines, unchanged = self.report_on("--compare", page_text=page.replace("| `core` | 1", "| `core` | 2"))
        self.assertEqual((same, status), (1, 1))  # few instructions were executed
        self.assertNotEqual(unchanged, page, "must not be written")
        self.assertTrue(any(line.startswith("the page says:   | `core` | 2") for line in lines), lines)
        self.assertEqual(self.report_on(page_text="no marks")[0], 2)
        self.assertNotEqual(self.run_spec("--compare", self.directory / "suite")[0], 0)
        (self.directory / "suite/SOURCE.md").unlink()
        self.assertEqual(self.run_spec("--report", self.script("page.md", self.PAGE), self.directory / "suite")[0], 2)

    def test_wrong_use(self):
        self.assertNotEqual(self.run_spec(self.directory / "none.wast")[0], 0)
        self.assertNotEqual(self.run_spec()[0], 0)
        self.assertNotEqual(self.run_spec(self.directory)[0], 0)  # no script in it
        self.assertNotEqual(self.run_spec("--tier=none", self.script("good.wast", GOOD))[0], 0)
        self.assertEqual(self.run_spec("--tier=interp", self.script("good.wast", GOOD))[0], 0)

    def test_round_trip_counts_valid_modules(self):
        more = """(assert_invalid (module (func (result i32))) "type mismatch")
(assert_trap (module (func $s unreachable) (start $s)) "unreachable")
(module binary "\\00asm" "\\01\\00\\00\\00" "\\05\\04\\01\\00\\81\\00")"""
        result = self.run_spec("--round-trip", self.script("good.wast", GOOD + more))
        self.assert_counts(result, 3, 0)

    def test_round_trip_says_where_it_fails(self):
        # A name section that cannot be read does not come back as identifiers, which is all that is printed.
        path = self.script("bad.wast", '(module)\n(module (@custom "name" "\\01"))\n(module)')
        result = self.run_spec("--round-trip", path)
        self.assert_counts(result, 2, 1)
        self.assertRegex(result[1][0], rf"^{path}:2: printed and parsed: at \d+: ")


if __name__ == "__main__":
    unittest.main()
