#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the example programs natively and under `wasm-sandbox run` and compares what they did:
standard output, exit status and written files, byte for byte.

The environment variable WASM_SANDBOX names the command (default: wasm-sandbox on PATH);
PROGRAMS_OUT names a directory with programs already built, else they are built into a temporary
one by examples/build.sh; those beside this file are built here. Arguments are unittest's, e.g. `-v`
or a test's name.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SANDBOX = os.environ.get("WASM_SANDBOX", "wasm-sandbox")
DATA = "examples/textstats/data"
TIMEOUT_SECONDS = 120
EXIT_REFUSED = 125
EXIT_TRAP = 134
EXIT_LIMIT = 137


class Outcome:
    """What a process left behind."""

    def __init__(self, process):
        self.status = process.returncode
        self.out = process.stdout
        self.err = process.stderr.decode(errors="replace")

    def __str__(self):
        return f"status {self.status}\nstdout {self.out[:2000]!r}\nstderr {self.err[:2000]}"


def run(command, stdin=b"", directory=ROOT, environment=None):
    return Outcome(
        subprocess.run(
            [str(part) for part in command],
            input=stdin,
            capture_output=True,
            cwd=directory,
            timeout=TIMEOUT_SECONDS,
            env=environment,
            check=False,
        )
    )


def build(source, out):
    """A program of this directory, natively and for WASI. @return whether there is a compiler for it."""
    if source.suffix == ".c":
        compiler = os.environ.get("CC", "clang-19")
        command = [compiler, "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", source]
        target = "--target=wasm32-wasi"
    else:
        compiler = os.environ.get("RUSTC", "rustc")
        command = [compiler, "--edition", "2021", "-C", "opt-level=2", "-C", "strip=symbols", source]
        target = "--target=wasm32-wasip1"
        asked = [compiler, "--print", "target-libdir", "--target", "wasm32-wasip1"]
        if shutil.which(compiler) is None or not pathlib.Path(run(asked).out.decode().strip()).is_dir():
            return False
    subprocess.run([*command, "-o", out / f"{source.stem}.native"], check=True)
    subprocess.run([*command, target, "-o", out / f"{source.stem}.wasm"], check=True)
    return True


def tree_of(directory):
    """What is there, with contents and link texts."""
    found = {}
    for path in sorted(directory.rglob("*")):
        name = str(path.relative_to(directory))
        if path.is_symlink():
            found[name] = ("link", os.readlink(path))
        else:
            found[name] = ("directory", "") if path.is_dir() else ("file", path.read_bytes())
    return found


class ProgramsTest(unittest.TestCase):
    """One method for each kind of behaviour; the programs are built once for all."""

    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="programs-test-")
        cls.scratch = pathlib.Path(cls.temporary.name)
        built = os.environ.get("PROGRAMS_OUT")
        cls.built = pathlib.Path(built) if built else cls.scratch / "built"
        if not built:
            subprocess.run([ROOT / "examples" / "build.sh", cls.built], check=True)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def sandbox(self, program, *arguments, options=(), stdin=b"", directory=ROOT):
        command = [SANDBOX, "run", *options, self.built / program, *arguments]
        return run(command, stdin, directory)

    def native(self, program, *arguments, stdin=b"", directory=ROOT, environment=None):
        return run([self.built / f"{program}.native", *arguments], stdin, directory, environment)

    def expect_same(self, program, *arguments, options=(), stdin=b"", status=0, directory=ROOT):
        """The program behaves natively and sandboxed the same and ends with the status."""
        native = self.native(program, *arguments, stdin=stdin, directory=directory)
        ours = self.sandbox(
            f"{program}.wasm", *arguments, options=options, stdin=stdin, directory=directory
        )
        self.assertEqual(native.status, status, f"native: {native}")
        self.assertEqual(ours.status, status, f"sandboxed: {ours}")
        self.assertEqual(ours.out, native.out, f"sandboxed: {ours}\nnative: {native}")
        return ours

    # --- textstats: reading ---

    def test_directory(self):
        self.expect_same("textstats", DATA, options=["--dir", DATA])

    def test_directory_read_only(self):
        arguments = ["--ignore-case", "-t", "3", DATA]
        self.expect_same("textstats", *arguments, options=["--dir", f"{DATA}:ro"])

    def test_recursive_from_a_parent(self):
        self.expect_same("textstats", "-r", f"{DATA}/", options=["--dir", "examples"])

    def test_current_directory(self):
        self.expect_same(
            "textstats", "-rim4", ".", options=["--dir", "."], directory=ROOT / DATA
        )

    def test_absolute_path(self):
        path = ROOT / DATA
        self.expect_same("textstats", path, path / "letters", options=["--dir", path])

    def test_several_files(self):
        files = [f"{DATA}/{name}" for name in ("unicode.txt", "empty.txt", "recipe.txt")]
        self.expect_same("textstats", "--top=1000", *files, options=["--dir", DATA])

    def test_two_directories(self):
        other = self.scratch / "other"
        other.mkdir()
        (other / "one.txt").write_text("one two\nthree\n")
        self.expect_same(
            "textstats", other, f"{DATA}/letters", options=["--dir", other, "--dir", DATA]
        )

    def test_many_files(self):
        many = self.scratch / "many"
        many.mkdir()
        for number in range(300):
            (many / f"a-file-with-a-rather-long-name-{number}.txt").write_text(f"word {number}\n")
        self.expect_same("textstats", many, options=["--dir", many])

    def test_standard_input(self):
        self.expect_same("textstats", stdin=b"to be or not to be\nthat is the question")

    def test_large_standard_input(self):
        text = "".join(f"word{number % 997} and {number}\n" for number in range(100000))
        self.expect_same("textstats", "-t", "20", stdin=text.encode())

    def test_empty_standard_input(self):
        self.expect_same("textstats", stdin=b"")

    def test_guest_path(self):
        native = self.native("textstats", ".", directory=ROOT / DATA)
        ours = self.sandbox("textstats.wasm", "/texts", options=["--dir", f"{DATA}::/texts:ro"])
        self.assertEqual(ours.status, 0, str(ours))
        self.assertEqual(ours.out.replace(b"/texts/", b"./"), native.out)

    # --- textstats: writing, memory, environment ---

    def test_report_file(self):
        reports = []
        for kind in ("native", "wasm"):
            directory = self.scratch / f"report-{kind}"
            directory.mkdir()
            arguments = ["-o", "report.txt", "--recursive", "texts"]
            shutil.copytree(ROOT / DATA, directory / "texts")
            if kind == "native":
                outcome = self.native("textstats", *arguments, directory=directory)
            else:
                outcome = self.sandbox(
                    "textstats.wasm", *arguments, options=["--dir", "."], directory=directory
                )
            self.assertEqual(outcome.status, 0, str(outcome))
            report = (directory / "report.txt").read_bytes()
            self.assertEqual(int(report.split()[1]), len(report))
            reports.append((outcome.out, report))
        self.assertEqual(reports[0], reports[1])

    def test_report_replaces_an_older_one(self):
        directory = self.scratch / "replace"
        directory.mkdir()
        report = directory / "report.txt"
        report.write_text("older text " * 1000)
        arguments = ["-o", report]
        ours = self.sandbox(
            "textstats.wasm", *arguments, options=["--dir", directory], stdin=b"a b c"
        )
        self.assertEqual(ours.status, 0, str(ours))
        self.assertEqual(int(report.read_bytes().split()[1]), report.stat().st_size)

    def test_report_into_a_read_only_directory(self):
        directory = self.scratch / "read-only"
        directory.mkdir()
        ours = self.sandbox(
            "textstats.wasm", "-o", directory / "new.txt", options=["--dir", f"{directory}:ro"],
            stdin=b"text",
        )
        self.assertEqual(ours.status, 3, str(ours))
        self.assertEqual(list(directory.iterdir()), [])

    def test_allocation(self):
        self.expect_same("textstats", "--alloc", "100", stdin=b"x")

    def test_allocation_beyond_the_limit(self):
        ours = self.sandbox(
            "textstats.wasm", "--alloc", "100", options=["--max-memory", "64MiB"], stdin=b"x"
        )
        self.assertEqual(ours.status, 4, str(ours))
        self.assertIn("cannot allocate 100 MiB", ours.err)

    def test_environment(self):
        ours = self.sandbox(
            "textstats.wasm", "-e", "COLOUR", options=["--env", "COLOUR=deep blue"]
        )
        native = self.native("textstats", "-e", "COLOUR", environment={"COLOUR": "deep blue"})
        self.assertEqual((ours.status, ours.out), (0, native.out), str(ours))

    def test_environment_is_not_inherited(self):
        self.assertIn("PATH", os.environ)
        ours = self.sandbox("textstats.wasm", "--env", "PATH")
        self.assertTrue(ours.out.startswith(b"PATH=(not set)\n"), str(ours))

    # --- textstats: failures ---

    def test_help(self):
        self.expect_same("textstats", "--help")

    def test_wrong_usage(self):
        for arguments in (["--no-such-option"], ["-t"], ["--top", "x"], ["-a", "99999"]):
            with self.subTest(arguments=arguments):
                self.expect_same("textstats", *arguments, status=2)

    def test_missing_file(self):
        arguments = [f"{DATA}/recipe.txt", f"{DATA}/no-such-file.txt", f"{DATA}/harbour.txt"]
        ours = self.expect_same("textstats", *arguments, options=["--dir", DATA], status=1)
        self.assertIn("no-such-file.txt: No such file or directory", ours.err)

    def test_missing_file_strict(self):
        arguments = ["--strict", f"{DATA}/no-such-file.txt", f"{DATA}/harbour.txt"]
        self.expect_same("textstats", *arguments, options=["--dir", DATA], status=1)

    def refused(self, *paths, options):
        ours = self.sandbox("textstats.wasm", *paths, options=options)
        self.assertEqual(ours.status, 1, str(ours))
        self.assertIn(b"      0       0        0  total\n", ours.out)
        self.assertEqual(ours.err.count("textstats: "), len(paths), str(ours))

    def test_no_directory_granted(self):
        self.refused(DATA, "/etc/passwd", ".", "/", options=[])

    def test_outside_the_granted_directory(self):
        self.refused("/etc/passwd", "examples/README.md", options=["--dir", DATA])

    def test_above_the_granted_directory(self):
        paths = [f"{DATA}/../textstats.c", f"{DATA}/letters/../../../README.md", f"{DATA}/.."]
        self.refused(*paths, options=["--dir", DATA])

    def test_symbolic_links_out_of_the_directory(self):
        outer = self.scratch / "links"
        inner = outer / "inner"
        (inner / "below").mkdir(parents=True)
        (outer / "secret.txt").write_text("secret words\n")
        (inner / "good.txt").write_text("good words\n")
        (inner / "relative").symlink_to("../secret.txt")
        (inner / "absolute").symlink_to(outer / "secret.txt")
        (inner / "directory").symlink_to("..")
        (inner / "below" / "inside").symlink_to("../good.txt")
        grant = ["--dir", inner]
        paths = [inner / "relative", inner / "absolute", inner / "directory" / "secret.txt"]
        self.refused(*paths, options=grant)
        self.expect_same("textstats", inner / "below" / "inside", options=grant)

    # --- whole directories: what is told, and what is left, is the same ---

    def expect_same_tree(self, source):
        if not build(pathlib.Path(__file__).with_name(source), self.scratch):
            self.skipTest(f"no compiler for {source}")
        stem = source.partition(".")[0]
        outcomes, trees = [], []
        for kind in ("native", "wasm"):
            outer = self.scratch / f"{stem}-{kind}"
            (outer / "work").mkdir(parents=True)
            (outer / "work" / "link").symlink_to("file.txt")
            (outer / "outside").write_text("nobody's")
            program = self.scratch / f"{stem}.{kind}"
            command = [program] if kind == "native" else [SANDBOX, "run", "--dir", "work", program]
            outcomes.append(run([*command, "work"], directory=outer))
            trees.append(tree_of(outer))
        self.assertEqual([outcome.status for outcome in outcomes], [0, 0], str(outcomes[1]))
        self.assertEqual(outcomes[1].out.decode(), outcomes[0].out.decode())
        self.assertEqual(trees[1], trees[0])
        self.assertGreater(len(outcomes[0].out.splitlines()), 30)

    def test_filesystem_in_c(self):
        self.expect_same_tree("filesystem.c")

    def test_filesystem_and_time_in_rust(self):
        self.expect_same_tree("fs_time.rs")

    # --- other programs ---

    def test_primes(self):
        for arguments in ([], ["2"], ["30"], ["100000"]):
            with self.subTest(arguments=arguments):
                self.expect_same("primes", *arguments)

    def test_primes_wrong_usage(self):
        self.expect_same("primes", "many", status=2)

    def test_primes_out_of_fuel(self):
        ours = self.sandbox("primes.wasm", "1000000", options=["--fuel", "100000"])
        self.assertEqual(ours.status, EXIT_LIMIT, str(ours))
        self.assertIn("fuel", ours.err)

    def test_primes_with_enough_fuel(self):
        self.expect_same("primes", "1000", options=["--fuel", "1000000000"])

    def test_rust_wordcount(self):
        if not (self.built / "rust-wordcount.wasm").exists():
            self.skipTest("rustc or its target wasm32-wasip1 is not installed")
        files = [f"{DATA}/{name}.txt" for name in ("harbour", "machine", "unicode")]
        self.expect_same("rust-wordcount", *files, options=["--dir", DATA])
        self.expect_same("rust-wordcount", stdin="Ähm, ähm: words.\n".encode())
        missing = [f"{DATA}/harbour.txt", f"{DATA}/missing.txt"]
        self.expect_same("rust-wordcount", *missing, options=["--dir", DATA], status=1)

    def test_hello(self):
        ours = self.sandbox("hello.wat")
        self.assertEqual((ours.status, ours.out), (0, b"Hello from WebAssembly!\n"), str(ours))

    def test_fib(self):
        for export, argument, expected in (
            ("fib", "20", b"6765\n"),
            ("fib_loop", "90", b"2880067194370816120\n"),
        ):
            with self.subTest(export=export):
                ours = self.sandbox("fib.wat", argument, options=["--invoke", export])
                self.assertEqual((ours.status, ours.out), (0, expected), str(ours))
        # How a double is spelled is the command's affair; its value is not.
        ours = self.sandbox("fib.wat", "70", options=["--invoke", "fib_float"])
        self.assertEqual((ours.status, float(ours.out)), (0, 190392490709135.0), str(ours))

    def test_endless_recursion_traps(self):
        source = self.scratch / "deep.wat"
        source.write_text('(module (func $f (export "_start") (call $f) (call $f)))')
        ours = self.sandbox(source)
        self.assertIn(ours.status, (EXIT_TRAP, EXIT_LIMIT), str(ours))
        self.assertEqual(ours.out, b"")

    def test_no_such_program(self):
        ours = self.sandbox("no-such-program.wasm")
        self.assertIn(ours.status, (EXIT_REFUSED, 126), str(ours))
        self.assertEqual(ours.out, b"")

    def test_exit_status_of_a_guest(self):
        for code in (0, 1, 42, 123):
            with self.subTest(code=code):
                source = self.scratch / "exit.wat"
                source.write_text(
                    '(module (import "wasi_snapshot_preview1" "proc_exit" (func $e (param i32)))'
                    ' (memory (export "memory") 1)'
                    f' (func (export "_start") (call $e (i32.const {code})) unreachable))'
                )
                self.assertEqual(self.sandbox(source).status, code)


if __name__ == "__main__":
    if shutil.which(SANDBOX) is None:
        sys.exit(f"{sys.argv[0]}: '{SANDBOX}' not found: set WASM_SANDBOX to the built command")
    SANDBOX = str(pathlib.Path(shutil.which(SANDBOX)).resolve())
    unittest.main()
