#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the fuzzers' seed corpus out of .wat and .wast files:
    OUT/text    modules as text
    OUT/script  whole short scripts, and commands of all scripts, each alone
    OUT/binary  the same modules assembled by `wasm-sandbox wat2wasm`, and what scripts spell as bytes"""
import argparse
import concurrent.futures
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

# What the lexer skips as a whole, and parentheses. Block comments may nest: see forms().
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|;;[^\n]*|\(;|;\)|[()]', re.DOTALL)
ESCAPES = {"t": b"\t", "n": b"\n", "r": b"\r", '"': b'"', "'": b"'", "\\": b"\\"}
LARGEST_SCRIPT_BYTES = 16_384
COMMANDS_OF_A_KIND = 4  # per script


def forms(text, depths):
    """The parenthesised forms that begin at a nesting depth in `depths`, with their depth."""
    open_at, comments = [], 0
    for token in TOKEN.finditer(text):
        spelling = token.group()
        if spelling in ("(;", ";)"):
            comments += 1 if spelling == "(;" else -1
        elif comments == 0 and spelling == "(":
            open_at.append(token.start())
        elif comments == 0 and spelling == ")" and open_at:
            start = open_at.pop()
            if len(open_at) in depths:
                yield len(open_at), text[start:token.end()]


def string_bytes(literal):
    """The bytes of a string token without its quotes."""
    result, i = b"", 0
    while i < len(literal):
        if literal[i] != "\\":
            result += literal[i].encode()
            i += 1
        elif literal[i + 1] in ESCAPES:
            result += ESCAPES[literal[i + 1]]
            i += 2
        elif literal[i + 1] == "u":
            end = literal.index("}", i)
            result += chr(int(literal[i + 3:end].replace("_", ""), 16)).encode("utf-8", "replace")
            i = end + 1
        else:
            result += bytes([int(literal[i + 1:i + 3], 16)])
            i += 3
    return result


class Corpus:
    def __init__(self, out):
        self.out = pathlib.Path(out)
        shutil.rmtree(self.out, ignore_errors=True)

    def add(self, kind, content, suffix):
        """Writes one seed, named by its content, and returns its path."""
        folder = self.out / kind
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / (hashlib.sha256(content).hexdigest()[:16] + suffix)
        path.write_bytes(content)
        return path


def add_module(corpus, form):
    head = re.match(r"\(\s*module\s+(?:definition\s+)?(?:\$\S+\s+)?(binary|quote|instance)?", form)
    if head and head.group(1) == "binary":
        literals = [t.group() for t in TOKEN.finditer(form) if t.group().startswith('"')]
        corpus.add("binary", b"".join(string_bytes(t[1:-1]) for t in literals), ".wasm")
    elif not (head and head.group(1)):
        corpus.add("text", form.encode(), ".wat")


def add_script(corpus, text):
    if len(text) <= LARGEST_SCRIPT_BYTES:
        corpus.add("script", text.encode(), ".wast")
    seen = {}
    for depth, form in forms(text, (0, 1)):
        kind = re.match(r"\(\s*([a-z_]*)", form).group(1)
        if kind == "module":
            add_module(corpus, form)
        seen[kind] = seen.get(kind, 0) + 1
        if depth == 0 and seen[kind] <= COMMANDS_OF_A_KIND:
            corpus.add("script", form.encode(), ".wast")


def assemble(corpus, tool):
    """Assembles every module of the corpus; those that are not valid stay text only."""
    texts = sorted((corpus.out / "text").glob("*.wat"))
    (corpus.out / "binary").mkdir(exist_ok=True)

    def one(path):
        target = corpus.out / "binary" / (path.stem + ".wasm")
        command = [tool, "wat2wasm", "--features=all", path, "-o", target]
        return subprocess.run(command, capture_output=True).returncode == 0

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return sum(pool.map(one, texts))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", required=True, help="the wasm-sandbox command")
    parser.add_argument("--out", required=True, help="directory, made anew")
    parser.add_argument("paths", nargs="+", help=".wat and .wast files, or directories with such")
    arguments = parser.parse_args()
    corpus = Corpus(arguments.out)
    for path in map(pathlib.Path, arguments.paths):
        files = sorted(path.rglob("*.wa[ts]*")) if path.is_dir() else [path]
        for file in files:
            text = file.read_text(encoding="utf-8", errors="replace")
            if file.suffix == ".wast":
                add_script(corpus, text)
            elif file.suffix == ".wat":
                corpus.add("text", text.encode(), ".wat")
    count = assemble(corpus, arguments.tool)
    print(f"seeds: {count} modules assembled")
    return 0 if count else 1


if __name__ == "__main__":
    sys.exit(main())
