#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Guests with sockets by --listen and --connect: they get those descriptors and nothing else of the network, whatever they
ask; what they send and receive is counted to the byte, and no peer makes the host wait or grow. Environment: as
escape_test.py."""
import contextlib
import os
import pathlib
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import guest
import syscalls

LISTENING, CONNECTED = 3, 4  # the guest's, with no directories
GRANTED = {"listening": LISTENING, "connected": CONNECTED}
SECOND_NS = 1_000_000_000
READY = ("poll", "connected", "reading", 10 * SECOND_NS)
TIMED_OUT, OTHER_LIMIT = 124, 137
EXTRA_KIB = 6 * 1024


def lines_of(operations):
    return [guest.line_of(operation[0], GRANTED, *operation[1:]) for operation in operations]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def connect(port):
    """To a guest that is about to listen."""
    end = time.monotonic() + 10
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 10)
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)


class SocketTest(unittest.TestCase):
    def setUp(self):
        # The host that the guest is connected to.
        self.server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.server.close)
        self.port = free_port()

    def command(self, *options):
        there = f"127.0.0.1:{self.server.getsockname()[1]}"
        return [guest.COMMAND, "run", "--listen", f"127.0.0.1:{self.port}", "--connect", there, *options]

    def run_ops(self, operations, host, *options, run=guest.run_ops):
        """The answers to a guest; `host` is a function that has the other end of its connection, in a thread."""
        failures = []

        def serve():
            try:
                peer, _ = self.server.accept()
                with peer:
                    peer.settimeout(20)
                    host(peer)
            except Exception as error:  # whatever it is: told by the main thread
                failures.append(error)

        thread = threading.Thread(target=serve)
        thread.start()
        answers = run(lines_of(operations), self.command(*options))
        thread.join(30)
        self.assertFalse(thread.is_alive())
        self.assertEqual(failures, [])
        return answers

    def check(self, expected, host, *options):
        """Pairs of operation and answer: an error, then fields."""
        answers = self.run_ops([operation for operation, _ in expected], host, *options)
        for (operation, wanted), answer in zip(expected, answers):
            errors, *fields = wanted.split()
            self.assertIn(answer.error, errors.split("|"), f"{operation}: {answer}")
            for field in fields:
                key, _, value = field.partition("=")
                self.assertEqual(answer.fields.get(key), value, f"{operation}: {answer}")
        return answers


class TalkingTest(SocketTest):
    def test_both_ways(self):
        def host(peer):
            self.assertEqual(peer.recv(100), b"hello")
            peer.sendall(b"world")
            self.assertEqual(peer.recv(100), b"")  # its shutdown
            peer.sendall(b"bye")

        self.check(
            [
                (("send", "connected", "hello"), "success count=5"),
                (READY, "success ready=0"),
                (("recv", "connected", "peek", 3), "success count=3 content=wor"),
                (("recv", "connected", "0", 3), "success count=3 content=wor"),
                (("recv", "connected", "waitall", 2), "success count=2 content=ld"),
                (("shutdown", "connected", "wr"), "success"),
                (("send", "connected", "late"), "pipe count=0"),
                (("send", "connected", "later"), "pipe count=0"),
                (("recv", "connected", "waitall", 3), "success count=3 content=bye"),
                (("recv", "connected", "0", 3), "success count=0"),
                (("recv", "connected", "0", 3), "success count=0"),
                (("close", "connected"), "success"),
                (("recv", "connected", "0", 3), "badf"),
            ],
            host,
        )

    def test_files_and_sockets_are_one(self):
        def host(peer):
            peer.sendall(b"read me")
            self.assertEqual(peer.recv(100), b"written")

        self.check(
            [
                (READY, "success ready=0 bytes=7"),
                (("read", "connected"), "success content=read%20me"),
                (("write", "connected", "written"), "success"),
            ],
            host,
        )

    def test_nobody_waits(self):
        released = threading.Event()

        def host(peer):
            self.assertTrue(released.wait(10))
            peer.sendall(b"now")
            peer.recv(1)

        def connects():
            with connect(self.port) as other:
                released.set()
                self.assertEqual(other.recv(10), b"accepted")

        other = threading.Thread(target=connects)

        def run(lines, command):
            other.start()
            return guest.run_ops(lines, command)

        answers = self.run_ops(
            [
                ("flags", "connected", "nonblock"),
                ("flags", "listening", "nonblock"),
                ("fdstat", "connected"),
                ("poll", "listening", "reading", 10 * SECOND_NS),
                ("accept", "$a", "listening", "nonblock"),
                ("accept", "$b", "listening", "0"),  # again: nobody else
                ("recv", "$a", "0", 3),  # again: it said nothing
                ("poll", "$a", "reading", 1000),
                ("poll", "$a", "writing", 10 * SECOND_NS),
                ("send", "$a", "accepted"),
                READY,
                ("recv", "connected", "0", 10),
                ("recv", "connected", "0", 10),  # again
                ("close", "$a"),
            ],
            host,
            run=run,
        )
        other.join(10)
        self.assertEqual([a.error for a in answers],
                         ["success"] * 5 + ["again", "again"] + ["success"] * 5 + ["again", "success"])  # fmt: skip
        self.assertEqual(answers[2].fields["flags"], "4")
        self.assertEqual(answers[7].fields, {"clock": "0"})
        self.assertEqual(answers[8].fields["ready"], "0")
        self.assertEqual(answers[11].fields["content"], "now")

    def test_the_other_end_is_gone(self):
        def host(peer):
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset

        answers = self.run_ops([READY, ("recv", "connected", "0", 1), ("send", "connected", "x"), READY], host)
        self.assertEqual(answers[1].error, "connreset")
        self.assertEqual(answers[2].error, "pipe")
        self.assertNotIn("clock", answers[3].fields)


class NothingElseTest(SocketTest):
    """What is given is all there is."""

    OPERATIONS = [
        *[("fdstat", number) for number in (5, 6, 7, 100, 1023, 0x7FFFFFFF)],
        *[("send", number, "x") for number in (0, 1, 2, 5, 6)],
        *[("accept", "$a", number, "0") for number in (0, 1, 2, 4, 5)],
        *[(name, number, *rest) for number in ("listening", "connected") for name, *rest in (
            ("stat", "0", "file"), ("mkdir", "new"), ("unlink", "file"), ("readlink", "link"), ("list",), ("size", 0),
            ("allocate", 0, 1), ("seek", 0, 0), ("pwrite", "x", 0), ("ftimes", 1, 1, "atim"), ("rights", "all", "all"),
            ("probe", "follow", "/etc/passwd", "0", "read", "0", "0"), ("shutdown", "0"),
        )],
        ("symlink", "file", "connected", "new"),
        ("rename", "connected", "a", "listening", "b"),
        ("link", "listening", "0", "a", "connected", "b"),
        ("send", "listening", "x"),
        ("recv", "listening", "0", 1),
        ("shutdown", "listening", "rd"),
    ]  # fmt: skip
    # Answers that give nothing: list and stat tell of the descriptor at most.
    REFUSALS = {"badf", "notsock", "notdir", "notcapable", "inval", "spipe", "notsup", "notconn"}

    def test_all_is_refused(self):
        answers = self.run_ops(self.OPERATIONS, lambda peer: peer.recv(1))
        given = [f"{o}: {a}" for o, a in zip(self.OPERATIONS, answers)
                 if a.error not in self.REFUSALS and (o[0] != "list" or a.fields.get("list") == "0")]  # fmt: skip
        self.assertEqual(given, [])

    def test_rights_given_up_do_not_come_back(self):
        answers = self.run_ops(
            [
                ("rights", "connected", "read", "0"),
                ("send", "connected", "x"),
                ("write", "connected", "x"),
                ("shutdown", "connected", "wr"),
                ("rights", "connected", "rw", "0"),
                ("rights", "listening", "0", "0"),
                ("accept", "$a", "listening", "nonblock"),
            ],
            lambda peer: self.assertEqual(peer.recv(1), b""),
        )
        self.assertEqual([answer.error for answer in answers],
                         ["success", "badf", "badf", "notcapable", "notcapable", "success", "notcapable"])  # fmt: skip

    def test_no_socket_is_made(self):
        # Once more while the system calls of the process are watched: no socket, no connection, no name.
        if not syscalls.can_trace():
            self.skipTest("this host does not let processes trace others")
        judges = []

        def run(lines, command):
            answers, judge = syscalls.watched(lines, command, [])
            judges.append(judge)
            return answers

        talk = [("send", "connected", "x"), READY, ("recv", "connected", "0", 1), ("shutdown", "connected", "wr"),
                ("flags", "listening", "nonblock"), ("accept", "$a", "listening", "0")]  # fmt: skip

        def host(peer):
            self.assertEqual(peer.recv(1), b"x")
            peer.sendall(b"y")
            peer.recv(1)

        self.run_ops(self.OPERATIONS + talk, host, run=run)
        self.assertEqual(judges[0].findings, [])
        self.assertGreater(judges[0].judged, len(talk))


class BoundsTest(SocketTest):
    def measured(self, operations, host, *options):
        """Exit status, answers, seconds, and the peak memory in KiB."""
        spent = {}

        def run(lines, command):
            start = time.monotonic()
            with tempfile.TemporaryFile() as text:
                text.write("".join(line + "\n" for line in lines).encode())
                text.seek(0)
                process = subprocess.Popen([*command, str(guest.BUILT / "ops.wasm")], stdin=text,
                                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # fmt: skip
                with process.stdout:
                    spent["answers"] = [guest.Answer(line) for line in process.stdout.read().decode().splitlines()]
                _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            spent.update(status=process.returncode, seconds=time.monotonic() - start, peak_kib=usage.ru_maxrss)

        self.run_ops(operations, host, *options, run=run)
        return spent

    def limits(self, **limits):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        manifest = pathlib.Path(folder.name) / "limits.toml"
        manifest.write_text("[stdio]\nstdin = true\nstdout = true\nstderr = true\n[clock]\nmode = 'real'\n[limits]\n" +
                            "".join(f"{key} = {value}\n" for key, value in limits.items()))  # fmt: skip
        return "--manifest", str(manifest)

    def test_sent_bytes_are_counted(self):
        got = []

        def host(peer):
            # The connection ends with the guest, perhaps by a reset.
            with contextlib.suppress(ConnectionResetError):
                while chunk := peer.recv(1 << 16):
                    got.append(len(chunk))

        spent = self.measured([("flood", "connected", 1 << 40)], host, *self.limits(sent_bytes=1_000_001))
        self.assertEqual(spent["status"], OTHER_LIMIT)
        self.assertEqual(sum(got), 1_000_001)

    def test_received_bytes_are_counted(self):
        def host(peer):
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                peer.sendall(bytes(1000))
                peer.recv(1)

        receive = [READY, ("recv", "connected", "0", 64), ("flush",)]
        for key in ("received_bytes", "network_bytes"):
            spent = self.measured(receive * 20, host, *self.limits(**{key: 200}))
            self.assertEqual(spent["status"], OTHER_LIMIT)
            counts = [int(answer.fields["count"]) for answer in spent["answers"] if "count" in answer.fields]
            self.assertEqual((sum(counts), counts), (200, [64, 64, 64, 8]))

    def test_a_peer_that_does_not_read(self):
        done = threading.Event()
        base = self.measured([("flush",)], lambda peer: None)

        def host(peer):
            done.wait(20)

        def finish(operations, *options):
            done.clear()
            timer = threading.Timer(1, done.set)
            timer.start()
            return self.measured(operations, host, *options)

        waiting = finish([("flood", "connected", 1 << 40)], "--timeout", "300ms")
        self.assertEqual(waiting["status"], TIMED_OUT)
        self.assertLess(waiting["seconds"], 1)
        not_waiting = finish([("flags", "connected", "nonblock"), ("flood", "connected", 1 << 40)])
        self.assertEqual(not_waiting["answers"][1].error, "again")
        self.assertLess(not_waiting["answers"][1].number("total"), 64 << 20)
        for spent in (waiting, not_waiting):
            self.assertLess(spent["peak_kib"], base["peak_kib"] + EXTRA_KIB)

    def test_a_peer_that_floods(self):
        base = self.measured([("flush",)], lambda peer: None)
        stop = threading.Event()

        def host(peer):
            peer.settimeout(0.2)
            chunk = bytes(1 << 16)
            with contextlib.suppress(OSError):
                while not stop.is_set():
                    with contextlib.suppress(TimeoutError):
                        peer.send(chunk)

        # Nobody reads it; then it is read in small pieces; and one who connects again and again is not accepted.
        operations = [("poll", "listening", "reading", SECOND_NS // 2), READY, *[("recv", "connected", "0", 64)] * 5000]
        others = []

        def knock():
            with contextlib.suppress(OSError):
                for _ in range(200):
                    others.append(socket.create_connection(("127.0.0.1", self.port), 0.05))

        knocker = threading.Timer(0.2, knock)
        knocker.start()
        spent = self.measured(operations, host)
        stop.set()
        knocker.join()
        for other in others:
            other.close()
        self.assertEqual(spent["status"], 0)
        self.assertLess(spent["peak_kib"], base["peak_kib"] + EXTRA_KIB)

    def test_descriptors_are_bounded(self):
        def knock():
            others = [connect(self.port) for _ in range(3)]
            time.sleep(0.5)
            for other in others:
                other.close()

        knocker = threading.Thread(target=knock)
        knocker.start()
        operations = [("poll", "listening", "reading", 10 * SECOND_NS)]
        operations += [("accept", "$a", "listening", "0")] * 10
        answers = self.run_ops(operations, lambda peer: peer.recv(1), "--max-open-files", "8")
        knocker.join()
        self.assertEqual([answer.error for answer in answers[1:]], ["success"] * 3 + ["mfile"] * 7)


if __name__ == "__main__":
    unittest.main()
