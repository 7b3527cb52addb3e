# SPDX-License-Identifier: Apache-2.0
"""Speaks with guests/ops.c: calls of preview 1 in words, its numbers as names."""
import os
import pathlib
import subprocess

COMMAND = os.environ.get("WASM_SANDBOX", "wasm-sandbox")
BUILT = pathlib.Path(os.environ.get("WASI_GUESTS", "."))
TIMEOUT_SECONDS = 120

ERRORS = """success 2big acces addrinuse addrnotavail afnosupport again already badf badmsg busy canceled child
connaborted connrefused connreset deadlk destaddrreq dom dquot exist fault fbig hostunreach idrm ilseq inprogress intr
inval io isconn isdir loop mfile mlink msgsize multihop nametoolong netdown netreset netunreach nfile nobufs nodev
noent noexec nolck nolink nomem nomsg noprotoopt nospc nosys notconn notdir notempty notrecoverable notsock notsup
notty nxio overflow ownerdead perm pipe proto protonosupport prototype range rofs spipe srch stale timedout txtbsy
xdev notcapable""".split()
RIGHTS = """fd_datasync fd_read fd_seek fd_fdstat_set_flags fd_sync fd_tell fd_write fd_advise fd_allocate
path_create_directory path_create_file path_link_source path_link_target path_open fd_readdir path_readlink
path_rename_source path_rename_target path_filestat_get path_filestat_set_size path_filestat_set_times
fd_filestat_get fd_filestat_set_size fd_filestat_set_times path_symlink path_remove_directory path_unlink_file
poll_fd_readwrite sock_shutdown sock_accept""".split()
WORDS = {
    "l": {"follow": 1},
    "o": {"creat": 1, "directory": 2, "excl": 4, "trunc": 8},
    "d": {"append": 1, "dsync": 2, "nonblock": 4, "rsync": 8, "sync": 16},
    "k": {"peek": 1, "waitall": 2},
    "h": {"rd": 1, "wr": 2},
    "e": {"reading": 1, "writing": 2},
    "t": {"atim": 1, "atim_now": 2, "mtim": 4, "mtim_now": 8},
    "r": {name: 1 << bit for bit, name in enumerate(RIGHTS)}
    | {"read": 1 << 1, "write": 1 << 6, "rw": 1 << 1 | 1 << 6, "all": (1 << 30) - 1}
    | {"tree": (1 << 30) - 1 - (1 << 6)},  # all that a directory can have
}
TYPES = "unknown block character directory file datagram stream link".split()
# Arguments of each operation: s slot, f descriptor, p path or text, n number, or a kind of WORDS.
SIGNATURES = {
    "open": "sflporrd", "probe": "flporrd", "stat": "flp", "times": "flpnnt", "readlink": "fp", "mkdir": "fp",
    "rmdir": "fp", "unlink": "fp", "rename": "fpfp", "link": "flpfp", "symlink": "pfp", "read": "f",
    "write": "fp", "list": "f", "fstat": "f", "size": "fn", "allocate": "fnn", "ftimes": "fnnt",
    "rights": "frr", "flags": "fd", "fdstat": "f", "close": "f", "renumber": "ff",
    "pwrite": "fpn", "seek": "fnn", "accept": "sfd", "recv": "fkn", "send": "fp", "flood": "fn", "shutdown": "fh", "poll": "fen", "flush": "",
}  # fmt: skip


def escape(data):
    """Bytes or text as ops.c reads them."""
    raw = data if isinstance(data, bytes) else data.encode("utf-8", "surrogateescape")
    return "".join(chr(b) if 0x20 < b < 0x7F and b != 0x25 else f"%{b:02x}" for b in raw)


def unescape(text):
    out, at = bytearray(), 0
    while at < len(text):
        if text[at] == "%":
            out.append(int(text[at + 1 : at + 3], 16))
            at += 3
        else:
            out.append(ord(text[at]))
            at += 1
    return bytes(out)


def flags_of(kind, text):
    """creat|trunc → 9; 0 and other numbers stand for themselves."""
    return sum(WORDS[kind][word] if word in WORDS[kind] else int(word, 0) for word in text.split("|"))


def line_of(operation, descriptors, *arguments):
    """What ops.c reads. `descriptors`: numbers of the grants by name."""
    signature = SIGNATURES[operation]
    if len(arguments) != len(signature):
        raise ValueError(f"{operation} takes {len(signature)} arguments: {arguments}")
    words = [operation]
    for kind, argument in zip(signature, arguments):
        if kind == "p":
            words.append(escape(argument))
        elif kind == "f":
            words.append(str(descriptors.get(argument, argument)))
        elif kind in WORDS:
            words.append(str(flags_of(kind, str(argument))))
        else:
            words.append(str(argument))
    return " ".join(words)


class Answer:
    def __init__(self, line):
        number, *fields = line.split(" ")
        self.error = ERRORS[int(number)]
        self.fields = dict(field.split("=", 1) for field in fields)

    def text(self, key):
        """A text that the call gave, or None."""
        return unescape(self.fields[key]) if key in self.fields else None

    def number(self, key):
        return int(self.fields[key]) if key in self.fields else None

    def __str__(self):
        return " ".join([self.error, *(f"{k}={v}" for k, v in self.fields.items())])


def run_ops(lines, command, before=None, environment=None):
    """The answers to the lines, by one guest. `command` runs a module; `before` goes first in its process."""
    process = subprocess.run(
        [*command, str(BUILT / "ops.wasm")], input="".join(line + "\n" for line in lines),
        capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False, preexec_fn=before, env=environment,
    )  # fmt: skip
    answers = [Answer(line) for line in process.stdout.splitlines()]
    if process.returncode != 0 or len(answers) != len(lines):
        raise RuntimeError(f"ops.wasm: status {process.returncode}, {len(answers)} answers to {len(lines)} lines, "
                           f"{process.stderr[:2000]}")  # fmt: skip
    return answers
