#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Programs of others, unmodified, under `wasm-sandbox run`, and whether they do their work.

  tests/wasi/programs/run.py DIR [PROGRAM...]     DIR is filled by get.sh; without names, all of them

WASM_SANDBOX names the command (default: wasm-sandbox on PATH). Exit status 1 if a check fails or a program is missing.
"""
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

COMMAND = os.environ.get("WASM_SANDBOX", "wasm-sandbox")
TIMEOUT_SECONDS = 300


class Failure(Exception):
    pass


def expect(got, wanted, what):
    if got != wanted:
        raise Failure(f"{what}: got {str(got)[:200]!r}, wanted {str(wanted)[:200]!r}")


class Program:
    """A module, and a fresh directory that it sees as the one where it runs."""

    def __init__(self, folder, name, scratch):
        self.folder, self.module, self.scratch = folder, folder / f"{name}.wasm", scratch

    def run(self, *arguments, dirs=None, options=(), stdin=b"", module=None):
        """(status, standard output, standard error)"""
        command = [COMMAND, "run", *options]
        for directory in dirs or [f"{self.scratch}::."]:
            command += ["--dir", str(directory)]
        command += [str(module or self.module), *map(str, arguments)]
        done = subprocess.run(command, input=stdin, capture_output=True, timeout=TIMEOUT_SECONDS, check=False)
        return done.returncode, done.stdout, done.stderr

    def output(self, *arguments, **more):
        status, out, err = self.run(*arguments, **more)
        expect((status, err), (0, b""), f"{self.module.name} {' '.join(map(str, arguments))}")
        return out


def lua(program):
    """The language by itself, then files, errors, coroutines and garbage."""
    script = program.scratch / "all.lua"
    script.write_text("""
        local function fib(n) return n < 2 and n or fib(n - 1) + fib(n - 2) end
        print(fib(22), select(2, pcall(error, {}, 0)) ~= nil, string.format("%5.2f|%q", 2 / 3, "a\\n"))
        local words = {}
        for line in io.lines(arg[1]) do for word in line:gmatch("%a+") do words[word] = (words[word] or 0) + 1 end end
        local names = {} for word in pairs(words) do names[#names + 1] = word end table.sort(names)
        local out = assert(io.open("counts", "w"))
        for _, word in ipairs(names) do out:write(word, " ", words[word], "\\n") end
        out:close()
        print(io.open("absent"), io.open("../outside", "w"))
        print(os.rename("counts", "counted"), os.remove("counts") == nil)
        local kinds = coroutine.wrap(function() for _, kind in ipairs {"a", "b"} do coroutine.yield(kind) end end)
        print(kinds(), kinds(), pcall(function() local none; return none.field end))
        for i = 1, 200000 do local _ = {i, tostring(i)} end
        collectgarbage() print(collectgarbage("count") < 2000, os.time() > 1.7e9)
    """)
    (program.scratch / "text").write_text("the cat and the dog and the bird\n" * 1000)
    out = program.output("all.lua", "text", options=["--features", "legacy-exceptions"]).decode().splitlines()
    expect(out[0], '17711\ttrue\t 0.67|"a\\', "lua: numbers")
    expect(out[2], "nil\tnil\t../outside: Capabilities insufficient\t76", "lua: files")
    expect(out[3:4] + out[5:], ["true\ttrue", "true\ttrue"], "lua: renaming, garbage, time")
    expect("attempt to index a nil value" in out[4], True, "lua: errors")
    expect((program.scratch / "counted").read_text(), "and 2000\nbird 1000\ncat 1000\ndog 1000\nthe 3000\n", "lua: a file")


def sqlite(program):
    """Twenty thousand rows, which a native SQLite then reads; and a database that is granted for reading."""
    sql = """
        pragma temp_store = memory;
        create table t(id integer primary key, name text, value real);
        with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000)
            insert into t select i, 'name' || (i % 97), i * 0.5 from n;
        create index by_name on t(name);
        begin; delete from t where id > 100; rollback;
        delete from t where id % 2 = 0; vacuum;
        select count(*), sum(value), count(distinct name) from t;
        select json_extract('{"a": [1, 2, 3]}', '$.a[2]'), upper('x'), round(2.5);
        pragma integrity_check;
    """
    out = program.output("t.db", stdin=sql.encode()).decode().splitlines()
    expect(out, ["10000|50000000.0|97", "3|X|3.0", "ok"], "sqlite")
    with sqlite3.connect(program.scratch / "t.db") as native:
        expect(native.execute("select count(*), sum(value) from t").fetchone(), (10000, 50000000.0), "native SQLite")
        expect(native.execute("pragma integrity_check").fetchone(), ("ok",), "native SQLite")
    native.close()
    unlocked = "file:t.db?vfs=unix-none"  # its locks would be new directories
    read_only = [f"{program.scratch}::.:ro"]
    out = program.output(unlocked, stdin=b"select count(*) from t where name = 'name1';", dirs=read_only)
    expect(out, b"104\n", "sqlite: reading")
    status, _, err = program.run(unlocked, stdin=b"delete from t;", dirs=read_only)
    expect((status, b"readonly database" in err), (1, True), "sqlite: writing in a read-only grant")


def jaq(program):
    """Five filters over twenty thousand objects, by file and by standard input."""
    rows = [{"id": i, "name": f"n{i % 53}", "tags": ["a", "b"] if i % 3 else []} for i in range(20000)]
    (program.scratch / "rows.json").write_text(json.dumps(rows))
    filters = {
        "length": len(rows),
        "map(.id) | add": sum(row["id"] for row in rows),
        "[.[] | select(.tags == [])] | length": sum(not row["tags"] for row in rows),
        "group_by(.name) | map(length) | max": 378,
        "[.[0], .[-1]] | map(.name)": ["n0", rows[-1]["name"]],
    }
    for text, wanted in filters.items():
        expect(json.loads(program.output(text, "rows.json")), wanted, f"jaq {text}")
        with open(program.scratch / "rows.json", "rb") as rows_file:
            expect(json.loads(program.output(text, stdin=rows_file.read())), wanted, f"jaq {text} of standard input")
    expect(program.run(".[", "rows.json")[0] != 0, True, "jaq: an error")


COREUTILS = """
basename dir/file.txt .txt|basename /|cat words numbers|cat -n words|cat absent|comm sorted1 sorted2|comm -12 sorted1 sorted2
cut -d: -f2 fields|cut -c1-3 words|dirname dir/sub/file|echo -n a b|expand -t 4 tabs|fold -w 10 words|head -n 3 words
head -c 20 words|join -t: sorted1 sorted2|ls|ls -a dir|ls -1 absent|md5sum words numbers|mkdir dir/new|mkdir -p dir/a/b/c
mkdir dir|mv words dir/moved|mv dir/sub dir/renamed|nl words|od -An -tx1 tabs|paste words numbers|paste -sd, numbers
printf %05d|%s\\n 42 x|readlink l.words|rm numbers|rm -r dir|rm absent|rmdir empty|rmdir dir|seq 2 3 20|sha256sum words
sort words|sort -rn numbers|sort -u words|sort -t: -k2 fields|sum numbers|tac words|tail -n 4 words|tail -c 9 words
touch made|tr a-z A-Z|tr -d aeiou|truncate -s 5 words|truncate -s +100 numbers|tsort pairs|unexpand -a tabs|uniq -c sorted1
wc words numbers|wc -l words|ln words linked|ln -s words l.new|ls -l absent
"""


def coreutils_commands():
    text = COREUTILS.strip().replace("\n", "|").replace("printf %05d|%s\\n", "printf %05d\0%s\\n")
    return [[word.replace("\0", "|") for word in command.split(" ")] for command in text.split("|")]


def coreutils_tree(root):
    shutil.rmtree(root, ignore_errors=True)
    (root / "dir/sub").mkdir(parents=True)
    (root / "empty").mkdir()
    chance = random.Random(5)
    words = ["".join(chance.choices("abcdefgh", k=chance.randint(1, 9))) for _ in range(400)]
    texts = {
        "words": words, "numbers": [str(chance.randint(-99, 999)) for _ in range(300)],
        "sorted1": sorted(words[:200]), "sorted2": sorted(words[100:]), "tabs": ["a\tb\t\tc", "        d"] * 5,
        "fields": [f"{word}:{i * 7 % 31}:x" for i, word in enumerate(words)], "pairs": ["a b", "b c", "a c"],
        "dir/file": ["inside"], "dir/sub/file": ["deep"],
    }  # fmt: skip
    for name, lines in texts.items():
        (root / name).write_text("".join(line + "\n" for line in lines))
    os.symlink("words", root / "l.words")


def tree_of(root):
    found = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = "-> " + os.readlink(path)
        else:
            found[name] = None if path.is_dir() else hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def coreutils(program):
    """Against GNU's: the same output, status and tree. Messages may be worded otherwise."""
    native = program.scratch / "native"
    guest = program.scratch / "guest"
    environment = {"LC_ALL": "C", "PATH": os.environ["PATH"]}
    differing = []
    for command in coreutils_commands():
        stdin = b"some words of input\n" if command[0] == "tr" else b""
        coreutils_tree(native)
        coreutils_tree(guest)
        gnu = subprocess.run(command, cwd=native, input=stdin, capture_output=True, env=environment, check=False)
        options = ["--env", "LC_ALL=C"]
        status, out, err = program.run(*command, dirs=[f"{guest}::."], options=options, stdin=stdin)
        if (status, out, bool(err), tree_of(guest)) != (gnu.returncode, gnu.stdout, bool(gnu.stderr), tree_of(native)):
            differing.append(f"{' '.join(command)}: {status} {out[:80]!r} {err[:80]!r}, not {gnu.returncode} {gnu.stdout[:80]!r}")
    expect(differing, [], f"coreutils, {len(coreutils_commands())} commands")


def brotli(program):
    """A file compressed and restored."""
    text = b"".join(b"line %d of a text that repeats itself\n" % (i % 1000) for i in range(20000))
    (program.scratch / "text").write_bytes(text)
    program.output("-c", "-q5", "text", "packed")
    expect((program.scratch / "packed").stat().st_size < len(text) // 20, True, "brotli: size")
    program.output("packed", "restored")
    expect((program.scratch / "restored").read_bytes() == text, True, "brotli: restored")


def brotli_unstable(program):
    """A binary of 2019, for the draft before preview 1."""
    text = b"an old program reads and writes " * 5000
    (program.scratch / "text").write_bytes(text)
    program.output("-f", "text")
    expect((program.scratch / "text.br").stat().st_size < len(text) // 20, True, "brotli: size")
    (program.scratch / "text").unlink()
    program.output("-d", "-f", "text.br")
    expect((program.scratch / "text").read_bytes() == text, True, "brotli: restored")


def cc1(program):
    """GCC 15 for AVR: compiles, assembles and links a C program; twice the same."""
    (program.scratch / "p.c").write_text("""
        static int sum(int n) { return n == 0 ? 0 : n + sum(n - 1); }
        volatile unsigned char port;
        int main(void) { port = (unsigned char)sum(10); for (;;) port++; }
    """)
    (program.scratch / "p.ld").write_text(
        "SECTIONS { .text 0 : { *(.text*) } .data 0x800100 : { *(.data*) } .bss : { *(.bss*) *(COMMON) } }")
    steps = [("cc1", "-quiet", "-O2", "-mmcu=avr5", "p.c", "-o", "p.s"), ("avr-as", "-mmcu=avr5", "p.s", "-o", "p.o"),
             ("avr-ld", "-mavr5", "--no-warn-rwx-segments", "-T", "p.ld", "-e", "main", "p.o", "-o", "p.elf"), ("avr-objcopy", "-O", "ihex", "p.elf", "p.hex")]  # fmt: skip
    images = []
    for _ in range(2):
        for name, *arguments in steps:
            program.output(*arguments, module=program.folder / f"{name}.wasm")
        images.append((program.scratch / "p.hex").read_text())
    found = re.search(r"ldi\s+r\d+,lo8\(55\)", (program.scratch / "p.s").read_text())
    expect(found is not None, True, "cc1: the sum is known to be 55")
    expect((program.scratch / "p.elf").read_bytes()[:4], b"\x7fELF", "avr-ld")
    expect((images[0][0], images[0].strip().splitlines()[-1]), (":", ":00000001FF"), "avr-objcopy")
    expect(images[0], images[1], "twice")
    (program.scratch / "bad.c").write_text("int main(void) { return x; }")
    status, _, err = program.run("-quiet", "bad.c", "-o", "bad.s")
    expect((status, b"undeclared" in err), (1, True), "cc1: an error")


def yosys(program):
    """A counter becomes gates, which are proved to do the same."""
    (program.scratch / "c.v").write_text("""
        module top(input clk, input rst, output reg [7:0] q);
        always @(posedge clk) if (rst) q <= 0; else q <= q + 3;
        endmodule
    """)
    (program.scratch / "tmp").mkdir()
    dirs = [f"{program.folder / 'yosys-share'}::/share:ro", f"{program.scratch}::/w", f"{program.scratch / 'tmp'}::/tmp"]
    program.run("-q", "-p", "read_verilog /w/c.v; synth -top top; write_verilog -noattr /w/gates.v", dirs=dirs)
    gates = (program.scratch / "gates.v").read_text()
    expect((" + " in gates, gates.count("always @(posedge clk)")), (False, 8), "yosys: gates")
    prove = """read_verilog /w/c.v; prep -top top; design -stash gold; read_verilog /w/{}; prep -top top; design -stash gate;
        design -copy-from gold -as gold top; design -copy-from gate -as gate top; equiv_make gold gate equiv; prep -top equiv;
        equiv_simple -undef; equiv_induct -undef; equiv_status -assert"""
    for name, status in (("gates.v", 0), ("wrong.v", 1)):
        (program.scratch / "wrong.v").write_text(gates.replace("clk) if (rst)", "clk) if (!rst)", 1).replace("|", "&", 1))
        expect(program.run("-q", "-p", prove.format(name).replace("\n", " "), dirs=dirs)[0], status, f"yosys: {name}")


PROGRAMS = {
    "lua": lua, "sqlite": sqlite, "jaq": jaq, "coreutils": coreutils, "brotli": brotli, "brotli-unstable": brotli_unstable,
    "cc1": cc1, "yosys": yosys,
}  # fmt: skip


def main():
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    folder = pathlib.Path(sys.argv[1]).resolve()
    failed = 0
    for name in sys.argv[2:] or PROGRAMS:
        start, verdict = time.monotonic(), "ok"
        with tempfile.TemporaryDirectory(prefix="wasi-program-") as scratch:
            program = Program(folder, name, pathlib.Path(scratch))
            try:
                if not program.module.exists():
                    raise Failure(f"{program.module} is missing: see get.sh")
                PROGRAMS[name](program)
            except (Failure, OSError, subprocess.TimeoutExpired, ValueError, IndexError) as error:
                verdict = f"FAILED: {error}"
                failed += 1
        print(f"{name:16} {time.monotonic() - start:6.1f} s  {verdict}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
