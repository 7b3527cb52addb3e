#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""WASI by the command: what `run` grants, what a guest sees of it, and what it is refused."""

import ctypes
import json
import os
import pathlib
import socket
import subprocess
import time
import unittest

from command_case import COMMAND, CliTest, wasi

# All of preview 1, by the WITX description: parameters; all return an error number but proc_exit.
PREVIEW_1 = {
    "args_get": "ii", "args_sizes_get": "ii", "environ_get": "ii", "environ_sizes_get": "ii",
    "clock_res_get": "ii", "clock_time_get": "ili", "fd_advise": "illi", "fd_allocate": "ill",
    "fd_close": "i", "fd_datasync": "i", "fd_fdstat_get": "ii", "fd_fdstat_set_flags": "ii",
    "fd_fdstat_set_rights": "ill", "fd_filestat_get": "ii", "fd_filestat_set_size": "il",
    "fd_filestat_set_times": "illi", "fd_pread": "iiili", "fd_prestat_get": "ii",
    "fd_prestat_dir_name": "iii", "fd_pwrite": "iiili", "fd_read": "iiii", "fd_readdir": "iiili",
    "fd_renumber": "ii", "fd_seek": "ilii", "fd_sync": "i", "fd_tell": "ii", "fd_write": "iiii",
    "path_create_directory": "iii", "path_filestat_get": "iiiii",
    "path_filestat_set_times": "iiiilli", "path_link": "iiiiiii", "path_open": "iiiiillii",
    "path_readlink": "iiiiii", "path_remove_directory": "iii", "path_rename": "iiiiii",
    "path_symlink": "iiiii", "path_unlink_file": "iii", "poll_oneoff": "iiii", "proc_exit": "i",
    "proc_raise": "i", "random_get": "ii", "sched_yield": "", "sock_accept": "iii",
    "sock_recv": "iiiiii", "sock_send": "iiiii", "sock_shutdown": "ii",
}  # fmt: skip

# Writes the bytes at 64 of the length at 4 to a descriptor; the vector is at 0.
PUT = """
  (func $put (param $fd i32)
    (i32.store (i32.const 0) (i32.const 64))
    (drop (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8))))
"""

HELLO = f"""
(module
  {wasi("fd_write", "iiii")}
  {wasi("proc_exit", "i", "")}
  (memory (export "memory") 1)
  (data (i32.const 64) "hello\\n")
  {PUT}
  (func (export "_start")
    (i32.store (i32.const 4) (i32.const 6))
    (call $put (i32.const 1))
    (call $put (i32.const 2))
    (call $proc_exit (i32.const 7))))
"""

# Prints the arguments, or the environment, each with its terminator.
STRINGS = """
(module
  {sizes}
  {get}
  {write}
  (memory (export "memory") 1)
  {put}
  (func (export "_start")
    (drop (call ${name}_sizes_get (i32.const 16) (i32.const 4)))
    (drop (call ${name}_get (i32.const 4096) (i32.const 64)))
    (call $put (i32.const 1))))
"""


def strings_module(name):
    return STRINGS.format(
        sizes=wasi(f"{name}_sizes_get", "ii"),
        get=wasi(f"{name}_get", "ii"),
        write=wasi("fd_write", "iiii"),
        put=PUT,
        name=name,
    )


# Opens a path beneath descriptor 3 with oflags and rights, and exits with the error number.
OPEN = f"""
(module
  {wasi("path_open", "iiiiillii")}
  {wasi("proc_exit", "i", "")}
  (memory (export "memory") 1)
  (data (i32.const 64) "PATH")
  (func (export "_start")
    (call $proc_exit
      (call $path_open (i32.const 3) (i32.const 1) (i32.const 64) (i32.const LENGTH)
        (i32.const OFLAGS) (i64.const RIGHTS) (i64.const 0) (i32.const 0) (i32.const 0)))))
"""
CREATE, TRUNCATE = 1, 8
READ, WRITE = 2, 64
NOENT, ROFS, NOTCAPABLE, BADF = 44, 69, 76, 8


def open_module(path, oflags=0, rights=READ):
    text = OPEN.replace("PATH", path).replace("LENGTH", str(len(path)))
    return text.replace("OFLAGS", str(oflags)).replace("RIGHTS", str(rights))


class WasiTest(CliTest):
    def test_output_and_exit_status(self):
        self.file("hello.wat", HELLO)
        self.check("run", "hello.wat", status=7, out="hello\n", err="hello\n")

    def test_closed_standard_streams_are_not_taken_by_files(self):
        (self.directory / "data").mkdir()
        self.file("hello.wat", HELLO)
        script = f"exec '{COMMAND}' run --dir data hello.wat <&- >&- 2>&-"
        self.assertEqual(subprocess.run(["sh", "-c", script], cwd=self.directory).returncode, 7)

    def test_everything_after_file_is_the_guests(self):
        self.file("args.wat", strings_module("args"))
        self.check("run", "args.wat", "--help", "--", "-x", "", out="args.wat\0--help\0--\0-x\0\0")
        self.check("run", "./args.wat", out="args.wat\0")

    def test_environment_is_only_what_is_given(self):
        self.file("env.wat", strings_module("environ"))
        self.check("run", "env.wat", out="")
        self.check("run", "--env", "A=b", "--env", "C=d=e", "env.wat", out="A=b\0C=d=e\0")
        self.check("run", "--env", "WSB_GIVEN", "env.wat", env={"WSB_GIVEN": "yes"}, out="WSB_GIVEN=yes\0")

    def test_no_directory_unless_given(self):
        self.file("open.wat", open_module("open.wat"))
        self.check("run", "open.wat", status=BADF)
        self.check("run", "--dir", ".", "open.wat", status=0)
        self.check("run", "--dir", ".::/guest", "open.wat", status=0)
        self.check("run", "--dir", "absent", "open.wat", status=125, err=["absent", "No such file"])

    def test_paths_stay_inside(self):
        (self.directory / "inside").mkdir()
        (self.directory / "secret").write_text("secret")
        os.symlink("../secret", self.directory / "inside" / "link")
        os.symlink("/etc/passwd", self.directory / "inside" / "absolute")
        for path in ["../secret", "link", "absolute", "/etc/passwd", "./../secret"]:
            self.file("open.wat", open_module(path))
            self.check("run", "--dir", "inside", "open.wat", status=NOTCAPABLE)
        self.file("open.wat", open_module("absent"))
        self.check("run", "--dir", "inside", "open.wat", status=NOENT)

    def test_read_only(self):
        (self.directory / "data").mkdir()
        target = self.directory / "data" / "file"
        target.write_text("content")
        for oflags, rights in [(TRUNCATE, READ), (CREATE, READ), (0, WRITE), (CREATE | TRUNCATE, WRITE)]:
            self.file("open.wat", open_module("file", oflags, rights))
            self.check("run", "--dir", "data:ro", "open.wat", status=ROFS)
            self.check("run", "--dir", "data::/x:ro", "open.wat", status=ROFS)
            self.assertEqual(target.read_text(), "content")
        self.check("run", "--dir", "data", "open.wat", status=0)
        self.assertEqual(target.read_text(), "")

    def test_unknown_imports_are_named(self):
        self.file(
            "imports.wat",
            """(module
                 (import "env" "log" (func (param i32 f64) (result i64)))
                 (import "wasi_snapshot_preview1" "no_such" (func))
                 (import "env" "table" (table 10 funcref))
                 (func (export "_start")))""",
        )
        process = self.check("run", "imports.wat", status=125, out="", err="--dir")
        self.assertIn("env.log: function (i32, f64) -> (i64)", process.stderr)
        self.assertIn("wasi_snapshot_preview1.no_such: function", process.stderr)
        self.assertIn("env.table: table", process.stderr)

    def test_imports_of_the_wrong_type_do_not_link(self):
        self.file(
            "wrong.wat",
            '(module (import "wasi_snapshot_preview1" "fd_close" (func (param i64))) (func (export "_start")))',
        )
        self.check("run", "wrong.wat", status=126, out="", err=["fd_close", "incompatible import type"])

    def test_all_of_preview_1_is_there(self):
        imports = "\n".join(
            wasi(name, params, "" if name == "proc_exit" else " (result i32)")
            for name, params in PREVIEW_1.items()
        )
        self.file("all.wat", f'(module {imports} (memory (export "memory") 1) (func (export "_start")))')
        self.check("run", "all.wat", out="")

    def test_a_guest_without_memory_traps(self):
        self.file(
            "memory.wat",
            f"""(module {wasi("sched_yield", "")}
                 (func (export "_start") (drop (call $sched_yield))))""",
        )
        self.check("run", "memory.wat", status=134, err='export its memory as "memory"')

    def test_a_trap_of_a_program(self):
        self.file("trap.wat", '(module $program (func $main (export "_start") unreachable))')
        self.check("run", "trap.wat", status=134, out="", err=["unreachable", "program!main (offset 0x"])

    def test_initialize_runs_before_an_invoked_export(self):
        self.file(
            "library.wat",
            """(module (global $g (mut i32) (i32.const 1))
                 (func (export "_initialize") (global.set $g (i32.const 42)))
                 (func (export "get") (result i32) (global.get $g)))""",
        )
        self.check("run", "--invoke", "get", "library.wat", out="42\n")

    def test_start_must_have_the_right_type(self):
        self.file("start.wat", '(module (func (export "_start") (param i32)))')
        self.check("run", "start.wat", status=125, err=["_start", "(i32) -> ()"])


def has_landlock():
    create_ruleset, ask_for_version = 444, 1
    return ctypes.CDLL(None).syscall(create_ruleset, None, 0, ask_for_version) > 0


class LandlockTest(CliTest):
    @unittest.skipUnless(has_landlock(), "the kernel has no Landlock")
    def test_the_process_is_confined_and_works(self):
        (self.directory / "data").mkdir()
        self.file("data/file", "content")
        self.file("open.wat", open_module("file"))
        arguments = ["--landlock", "--stats=stats.json", "--dir", "data::/"]
        process = self.check("run", *arguments, "open.wat")
        self.assertEqual(json.loads((self.directory / "stats.json").read_text())["exit"], process.returncode)
        # A guest that waits for its input; the kernel says what its process has given up.
        self.file("wait.wat", f"""(module {wasi("fd_read", "iiii")} (memory (export "memory") 1)
            (data (i32.const 0) "\\40\\00\\00\\00\\08\\00\\00\\00")
            (func (export "_start") (drop (call $fd_read
                (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)))))""")
        for options, is_confined in [([], False), (["--landlock"], True)]:
            guest = subprocess.Popen(
                [COMMAND, "run", *options, "wait.wat"], cwd=self.directory, stdin=subprocess.PIPE
            )
            self.addCleanup(guest.wait)
            self.addCleanup(guest.stdin.close)
            deadline = time.monotonic() + (10 if is_confined else 0.5)
            status = ""
            while time.monotonic() < deadline and "NoNewPrivs:\t1" not in status:
                status = pathlib.Path(f"/proc/{guest.pid}/status").read_text()
            self.assertEqual("NoNewPrivs:\t1" in status, is_confined, status)


class SocketTest(CliTest):
    """Sockets that the command hands over; the guest's other end is this process."""

    # Accepts on descriptor `listener` (or takes `connected` as it is), sends back what it receives, once.
    ECHO = """(module """ + wasi("sock_accept", "iii") + wasi("sock_recv", "iiiiii") + wasi("sock_send", "iiiii") + """
      (memory (export "memory") 1)
      (func (export "_start") (local $fd i32)
        (i32.store (i32.const 0) (i32.const 1024))
        (i32.store (i32.const 4) (i32.const 100))
        %s
        (if (call $sock_recv (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 16) (i32.const 20))
          (then unreachable))
        (i32.store (i32.const 4) (i32.load (i32.const 16)))
        (if (call $sock_send (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 16))
          (then unreachable))))"""

    def start(self, source, *options):
        self.file("echo.wat", source)
        return subprocess.Popen(
            [COMMAND, "run", *options, "echo.wat"], cwd=self.directory, stderr=subprocess.PIPE, text=True
        )

    def test_listen(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        accept = """(if (call $sock_accept (i32.const 4) (i32.const 0) (i32.const 8)) (then unreachable))
            (local.set $fd (i32.load (i32.const 8)))"""
        guest = self.start(self.ECHO % accept, "--dir", str(self.directory), "--listen", f"127.0.0.1:{port}")
        for _ in range(200):
            try:
                client = socket.create_connection(("127.0.0.1", port))
                break
            except ConnectionRefusedError:
                time.sleep(0.02)
        with client:
            client.sendall(b"hello")
            self.assertEqual(client.recv(100), b"hello")
        self.assertEqual(guest.communicate()[1], "")
        self.assertEqual(guest.returncode, 0)

    def test_connect(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(30)
            port = server.getsockname()[1]
            guest = self.start(self.ECHO % "(local.set $fd (i32.const 3))", "--connect", f"127.0.0.1:{port}")
            with server.accept()[0] as peer:
                peer.sendall(b"hello")
                self.assertEqual(peer.recv(100), b"hello")
            self.assertEqual(guest.communicate()[1], "")
            self.assertEqual(guest.returncode, 0)

    def test_what_cannot_be(self):
        self.file("empty.wat", '(module (func (export "_start")))')
        self.check("run", "--listen", "example.com:80", "empty.wat", status=125, err="numeric address")
        self.check("run", "--connect", "127.0.0.1:1", "empty.wat", status=125, err="connrefused")


if __name__ == "__main__":
    unittest.main()
