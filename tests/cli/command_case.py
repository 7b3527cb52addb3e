# SPDX-License-Identifier: Apache-2.0
"""What tests of the command share: running it, and imports of WASI.

WASM_SANDBOX names the command to test. Modules are written in the text format.
"""

import os
import pathlib
import subprocess
import tempfile
import textwrap
import unittest

COMMAND = os.environ.get("WASM_SANDBOX", "wasm-sandbox")

WASI = '(import "wasi_snapshot_preview1" "{}" (func ${} (param {}){}))'


def wasi(name, params, result=" (result i32)"):
    return WASI.format(name, name, " ".join({"i": "i32", "l": "i64"}[p] for p in params), result)


def has_jit():
    """Whether this build runs machine code on this processor."""
    probe = subprocess.run(
        [COMMAND, "run", "--tier", "jit", "/dev/null"], capture_output=True, text=True, timeout=60
    )
    return "jit is not in this build" not in probe.stderr


class CliTest(unittest.TestCase):
    def setUp(self):
        self._directory = tempfile.TemporaryDirectory()
        self.addCleanup(self._directory.cleanup)
        self.directory = pathlib.Path(self._directory.name)

    def file(self, name, content):
        path = self.directory / name
        path.write_bytes(content if isinstance(content, bytes) else textwrap.dedent(content).encode())
        return name

    @staticmethod
    def environment(args, env=None):
        environment = dict(os.environ, **(env or {}))
        if "--landlock" in args:
            # The leak checker of a build with sanitizers reads /proc at the end, which is closed to it then.
            environment["ASAN_OPTIONS"] = "detect_leaks=0"
        return environment

    def run_command(self, *args, env=None, stdin=""):
        environment = self.environment(args, env)
        return subprocess.run(
            [COMMAND, *args],
            cwd=self.directory,
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def check(self, *args, status=0, out=None, err=(), **options):
        """Runs, and checks the status, all of standard output and parts of standard error."""
        process = self.run_command(*args, **options)
        message = f"{args}: {process.returncode}\n{process.stdout}\n{process.stderr}"
        self.assertEqual(process.returncode, status, message)
        if out is not None:
            self.assertEqual(process.stdout, out, message)
        for part in [err] if isinstance(err, str) else err:
            self.assertIn(part, process.stderr, message)
        if not err and status == 0:
            self.assertEqual(process.stderr, "", message)
        return process
