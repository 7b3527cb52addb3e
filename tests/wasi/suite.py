#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the tests for preview 1 of a checkout of WebAssembly/wasi-testsuite, branch prod/testsuite-base.

  tests/wasi/suite.py DIR [FILTER...]     FILTER: parts of names, e.g. rust/path_

WASM_SANDBOX names the command (default: wasm-sandbox on PATH). Prints a table, and for each failure what
differed. Exit status 1 if any test fails, 2 if DIR has none. The format of the specifications is that
repository's doc/specification.md, of which the tests of preview 1 use the legacy form; as in its own runner,
an output that a specification does not name may be anything (some tests print what they do).
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

COMMAND = os.environ.get("WASM_SANDBOX", "wasm-sandbox")
LANGUAGES = ("c", "rust", "assemblyscript")
DEFAULTS = {"args": [], "root": None, "env": {}, "exit_code": 0, "stderr": None, "stdout": None}
TIMEOUT_SECONDS = 60
NAME_WIDTH = 44


class Outcome:
    """What one test gave: nothing in `differences` is a pass."""

    def __init__(self, differences, seconds):
        self.differences = differences
        self.seconds = seconds


def find_tests(checkout):
    """Pairs of (language/name, path of the module)."""
    found = []
    for language in LANGUAGES:
        folder = checkout / "tests" / language / "testsuite" / "wasm32-wasip1"
        found += [(f"{language}/{path.stem}", path) for path in sorted(folder.glob("*.wasm"))]
    return found


def specification(module):
    """What the test's JSON says, over the defaults. Unknown keys are an error: they would go untested."""
    path = module.with_suffix(".json")
    given = json.loads(path.read_text()) if path.exists() else {}
    unknown = sorted(set(given) - set(DEFAULTS))
    if unknown:
        raise ValueError(f"{path}: not understood: {', '.join(unknown)}")
    return DEFAULTS | given


def fresh_root(module, spec, scratch):
    """A copy of the test's directory, without what an earlier run left in it."""
    source = module.parent / spec["root"]
    root = scratch / "root"
    shutil.copytree(source, root, symlinks=True)
    for left in root.rglob("*.cleanup"):
        shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
    return root


def command_of(module, spec, scratch):
    command = [COMMAND, "run"]
    if spec["root"] is not None:
        command += ["--dir", f"{fresh_root(module, spec, scratch)}::/"]
    for name, value in spec["env"].items():
        command += ["--env", f"{name}={value}"]
    return [*command, str(module), *spec["args"]]


def run_test(module):
    spec = specification(module)
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="wasi-suite-") as scratch:
        command = command_of(module, spec, pathlib.Path(scratch))
        try:
            process = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False,
                                     timeout=TIMEOUT_SECONDS)  # fmt: skip
        except subprocess.TimeoutExpired:
            return Outcome([f"not finished after {TIMEOUT_SECONDS} s"], TIMEOUT_SECONDS)
    actual = {
        "exit_code": process.returncode,
        "stdout": process.stdout.decode(errors="replace"),
        "stderr": process.stderr.decode(errors="replace"),
    }
    differences = [
        f"{key}: expected {spec[key]!r}, got {value!r}"
        for key, value in actual.items()
        if spec[key] is not None and value != spec[key]
    ]
    if differences:
        differences += [f"{key}: {actual[key]!r}" for key in ("stdout", "stderr") if spec[key] is None]
    return Outcome(differences, time.monotonic() - start)


def run_all(tests):
    outcomes = {}
    for name, module in tests:
        outcome = outcomes[name] = run_test(module)
        verdict = "FAIL" if outcome.differences else "ok"
        print(f"{name:{NAME_WIDTH}} {verdict:5} {outcome.seconds * 1000:7.0f} ms", flush=True)
    return outcomes


def summarize(outcomes):
    """@return whether all passed."""
    failed = {name: outcome for name, outcome in outcomes.items() if outcome.differences}
    for name, outcome in failed.items():
        print(f"\n{name}")
        for difference in outcome.differences:
            print(f"  {difference}")
    print()
    for language in LANGUAGES:
        names = [name for name in outcomes if name.startswith(language + "/")]
        if names:
            print(f"{language:16} {sum(name not in failed for name in names):3} of {len(names)}")
    print(f"{'all':16} {len(outcomes) - len(failed):3} of {len(outcomes)}")
    return not failed


def main():
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        print(__doc__.strip())
        return 2
    checkout, filters = pathlib.Path(sys.argv[1]), sys.argv[2:]
    tests = [t for t in find_tests(checkout) if not filters or any(part in t[0] for part in filters)]
    if not tests:
        print(f"{checkout}: no tests for wasm32-wasip1; take the branch prod/testsuite-base", file=sys.stderr)
        return 2
    return 0 if summarize(run_all(tests)) else 1


if __name__ == "__main__":
    sys.exit(main())
