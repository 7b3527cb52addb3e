# SPDX-License-Identifier: Apache-2.0
"""Judges the system calls of a process that runs a guest, as strace tells them: from the guest's first byte of input
on, a path is named only beneath a granted descriptor, in a way that cannot leave it. Whatever else takes a path, a
plain stat(2) as well, is a finding."""
import os
import re
import subprocess
import tempfile

import guest

# All that take a path, that make or close a descriptor, and that could do either by another way.
TRACED = ["%file", "%network", "%process", "readv", "close", "close_range", "dup", "dup2", "dup3", "fcntl", "fchdir",
          "name_to_handle_at", "open_by_handle_at", "fanotify_mark", "inotify_add_watch", "io_uring_setup", "pidfd_getfd",
          "openat2"]  # fmt: skip
STRACE = ["strace", "-f", "--seccomp-bpf", "-qq", "-xx", "-y", "-s", "8192", "-e", "signal=none", "-e", "trace=" + ",".join(TRACED)]
BEGIN = "marker.begin"  # a path that the guest speaks of first; of which nothing needs to be there

LINE = re.compile(r"^(\d+) +(.*)$")
CALL = re.compile(r"^(\w+)\((.*)\) += (-?\d+|\?)(?:<([^>]*)>)?", re.DOTALL)
FD = r"(AT_FDCWD|-?\d+)(?:<[^>]*>)?(?:\(deleted\))?"
TEXT = r'"([^"]*)"(?:\.\.\.)?'
PATTERNS = {
    name: re.compile(pattern)
    for name, pattern in {
        "openat2": rf"{FD}, {TEXT}, \{{flags=([^,}}]*)(?:, mode=\w+)?, resolve=([^,}}]*)\}}",
        "openat": rf"{FD}, {TEXT}, ([^,]*)",
        "mkdirat": rf"{FD}, {TEXT}, ()",
        "unlinkat": rf"{FD}, {TEXT}, (.*)",
        "readlinkat": rf"{FD}, {TEXT}, ()",
        "newfstatat": rf"{FD}, {TEXT}, .*, ([^,]*)$",
        "utimensat": rf"{FD}, (?:{TEXT}|NULL), .*, ([^,]*)$",
        "renameat": rf"{FD}, {TEXT}, {FD}, {TEXT}()",
        "linkat": rf"{FD}, {TEXT}, {FD}, {TEXT}, (.*)",
        "symlinkat": rf"{TEXT}, {FD}, {TEXT}()",
        "dup": rf"{FD}()",
        "fcntl": rf"{FD}, (F_\w+)",
        "close": rf"{FD}()",
    }.items()
}
# With these the last component is not followed, or there is no path at all.
NOT_FOLLOWED = {
    "openat": "O_NOFOLLOW", "newfstatat": "AT_SYMLINK_NOFOLLOW", "utimensat": "AT_SYMLINK_NOFOLLOW",
}  # fmt: skip
NAMED_ITSELF = ("mkdirat", "unlinkat", "readlinkat", "renameat", "linkat", "symlinkat")  # never follow
# On sockets that there are; on processes: the end of this one.
HARMLESS = {"accept4", "sendmsg", "recvmsg", "sendto", "recvfrom", "shutdown", "getsockopt", "exit", "exit_group", "fcntl", "readv",
            "close", "dup"}  # fmt: skip


def unhex(text):
    return bytes.fromhex(text.replace("\\x", "")) if text else b""


def calls_of(lines):
    """(process, name, arguments, result or None, path of the descriptor that came back), unfinished ones joined."""
    unfinished = {}
    for line in lines:
        process, rest = LINE.match(line).groups()
        if rest.endswith("<unfinished ...>"):
            unfinished[process] = rest[: -len("<unfinished ...>")]
            continue
        if rest.startswith("<..."):
            rest = unfinished.pop(process) + rest.partition("resumed>")[2]
        found = CALL.match(rest)
        if found:
            name, arguments, result, path = found.groups()
            yield process, name, arguments, None if result == "?" else int(result), path


class Judge:
    """Knows which descriptors lie in grants: those that were opened by their names before the guest began, and what
    was opened beneath them since."""

    def __init__(self, grants):
        self.grants = {os.fsencode(os.path.realpath(grant)) for grant in grants}
        self.inside = {}  # descriptor: the grant it was reached through
        self.has_begun = False
        self.judged = 0
        self.findings = []

    def see(self, name, arguments, result, path):
        if not self.has_begun:
            self.has_begun = name == "readv" and "".join(f"\\x{byte:02x}" for byte in BEGIN.encode()) in arguments
            self._keep_account(name, arguments, result, path)
            return
        self.judged += 1
        why = self._objection(name, arguments)
        if why:
            self.findings.append(f"{name}({self._readable(arguments)}): {why}")
        self._keep_account(name, arguments, result, path)

    @staticmethod
    def _readable(arguments):
        return re.sub(r"(?:\\x[0-9a-f]{2})+", lambda text: repr(unhex(text[0]))[2:-1], arguments)[:300]

    def _objection(self, name, arguments):
        """Why this may not be called, or None."""
        if name in HARMLESS:
            return None
        if name not in PATTERNS:
            return "is none of the calls that resolve beneath a descriptor"
        found = PATTERNS[name].match(arguments)
        if not found:
            return "not understood"
        *places, flags = found.groups()
        if name == "openat2":
            directory, text, _, flags = found.groups()
            if "RESOLVE_BENEATH" not in flags.split("|") or "RESOLVE_NO_MAGICLINKS" not in flags.split("|"):
                return "may leave"
            return None if directory in self.inside else "not beneath a grant"
        if name == "symlinkat":
            target, *places = places
            if unhex(target).startswith(b"/"):
                return "points out"
        if "AT_SYMLINK_FOLLOW" in flags.split("|"):
            return "follows"
        return next(filter(None, (self._objection_to(name, *pair, flags) for pair in zip(places[::2], places[1::2]))), None)

    def _objection_to(self, name, directory, text, flags):
        if directory not in self.inside:
            # Descriptors themselves name no path, and may be anything the guest was given.
            if not text and ("AT_EMPTY_PATH" in flags or name == "utimensat") and directory != "AT_FDCWD":
                return None
            return "not beneath a grant"
        component = unhex(text)
        if b"/" in component or component == b"..":
            return "is more than one name"
        if component in (b"", b"."):
            return None
        if name not in NAMED_ITSELF and NOT_FOLLOWED.get(name, "?") not in flags.split("|"):
            return "follows a link"
        return None

    def _keep_account(self, name, arguments, result, path):
        if name == "close_range":
            self.inside.clear()
        if result is None or result < 0:
            return
        if name == "close":
            self.inside.pop(PATTERNS["close"].match(arguments)[1], None)
        if name in ("dup", "dup2", "dup3", "fcntl"):
            found = PATTERNS["dup"].match(arguments)
            if path is not None:
                self._place(str(result), self.inside.get(found[1]))
        if name in ("open", "openat", "openat2"):
            found = PATTERNS[name].match(arguments) if name in PATTERNS else None
            grant = self.inside.get(found[1]) if found else None
            real = unhex(path)
            if not self.has_begun and real in self.grants:
                grant = real
            self._place(str(result), grant)
            # What the kernel says of it is another witness.
            if self.has_begun and (grant is None or (real != grant and not real.startswith(grant + b"/"))):
                self.findings.append(f"{name}({self._readable(arguments)}): opened {real!r}")
        elif path is not None and name not in ("dup", "dup2", "dup3", "fcntl"):
            self._place(str(result), None)

    def _place(self, descriptor, grant):
        if grant is None:
            self.inside.pop(descriptor, None)
        else:
            self.inside[descriptor] = grant


def can_trace():
    """Whether this host lets processes trace others. Without strace itself it is an error: ./dev setup installs it."""
    return subprocess.run(["strace", "-qq", "-o", os.devnull, "true"], capture_output=True, check=False).returncode == 0


def watched(lines, command, grants, before=None):
    """The answers to the lines by one guest, and the judge of what its process did. See guest.run_ops."""
    with tempfile.TemporaryDirectory(prefix="wasi-trace-") as folder:
        log = os.path.join(folder, "log")
        # LeakSanitizer cannot work in a process that is traced.
        environment = os.environ | {"ASAN_OPTIONS": "detect_leaks=0"}
        first = guest.line_of("stat", {}, "3", "0", BEGIN)
        answers = guest.run_ops([first, *lines], [*STRACE, "-o", log, *command], before, environment)
        judge = Judge(grants)
        with open(log, errors="surrogateescape") as text:
            for _, *call in calls_of(text):
                judge.see(*call)
    return answers[1:], judge
