# SPDX-License-Identifier: Apache-2.0
"""Takes openat2(2) away from a process, as an old kernel would: then paths are walked component by component."""
import ctypes
import errno
import platform
import struct

SYS_OPENAT2 = 437
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD_WORD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
OFFSET_NUMBER, OFFSET_ARCH = 0, 4


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def _filter():
    """BPF: ENOSYS for openat2 of this architecture, everything else goes on."""
    instructions = [
        (LOAD_WORD, 0, 0, OFFSET_ARCH),
        (JUMP_EQUAL, 0, 3, AUDIT_ARCH[platform.machine()]),
        (LOAD_WORD, 0, 0, OFFSET_NUMBER),
        (JUMP_EQUAL, 0, 1, SYS_OPENAT2),
        (RETURN, 0, 0, ERRNO | errno.ENOSYS),
        (RETURN, 0, 0, ALLOW),
    ]
    return len(instructions), b"".join(struct.pack("HBBI", *i) for i in instructions)


def take_away_openat2():
    """For the child, between fork and exec."""
    libc = ctypes.CDLL(None, use_errno=True)
    length, text = _filter()
    program = Program(length, text)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")
