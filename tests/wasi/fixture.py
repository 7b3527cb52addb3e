# SPDX-License-Identifier: Apache-2.0
"""The tree that the guest attacks. Both grants, `rw` and `ro`, begin as copies of INSIDE; `outside` and `secret` are
beside them and are nobody's. Links may be made here by the host that a guest could not make."""
import os
import pathlib
import shutil
import socket
import stat

import guest

MEMORY_RUNNER = os.environ.get("WASI_MEMORY_RUNNER", "wasi-memory-runner")
MEMORY_WAYS = ("memory", "overlay")
SECRET, HIDDEN = b"SECRET", b"HIDDEN"  # in all contents, and a name in all directories, outside
LONG_CHAIN = 45  # more links than a kernel follows

# (kind, path, contents or target); {outside}, {root} are host paths.
INSIDE = [
    ("file", "file", "inside"),
    ("dir", "dir", ""),
    ("file", "dir/file", "inside dir"),
    ("dir", "dir/sub", ""),
    ("file", "dir/sub/deep", "inside sub"),
    ("dir", "empty", ""),
    # Links that stay.
    ("link", "l.file", "file"),
    ("link", "l.file2", "l.file"),
    ("link", "l.file.slash", "file/"),
    ("link", "l.file.dot", "file/."),
    ("link", "l.dir", "dir"),
    ("link", "l.dir.slash", "dir/"),
    ("link", "l.dir.dot", "dir/."),
    ("link", "l.sub", "dir/sub"),
    ("link", "l.here", "."),
    ("link", "l.long", "dir/../" * 500 + "file"),
    ("link", "dir/l.back", ".."),
    ("link", "dir/l.back.file", "../file"),
    ("link", "dir/sub/l.back2", "../../file"),
    ("link", "dir/l.sub.up", "sub/.."),
    # Links to nothing, and round and round.
    ("link", "l.dangling", "absent"),
    ("link", "l.dangling.slash", "absent.dir/"),
    ("link", "l.dangling.deep", "absent/deeper"),
    ("link", "l.self", "l.self"),
    ("link", "l.loop1", "l.loop2"),
    ("link", "l.loop2", "l.loop1"),
    ("link", "l.loop.slash", "l.loop.slash/"),
    # Links that leave by "..".
    ("link", "x.up", ".."),
    ("link", "x.up.slash", "../"),
    ("link", "x.up.dot", "../."),
    ("link", "x.up.in", "../{grant}"),
    ("link", "x.up.in.file", "../{grant}/file"),
    ("link", "x.up2", "dir/../.."),
    ("link", "x.up.link", "l.dir/../.."),
    ("link", "x.up.sub", "l.sub/../../.."),
    ("link", "x.up.far", "../" * 60 + "etc/passwd"),
    ("link", "x.secret", "../secret"),
    ("link", "x.secret.slash", "../secret/"),
    ("link", "x.outside", "../outside"),
    ("link", "x.outside.slash", "../outside/"),
    ("link", "x.outside.file", "../outside/file"),
    ("link", "x.outside.dir", "../outside/dir"),
    ("link", "x.outside.dangling", "../outside/absent"),
    ("link", "x.outside.dangling.slash", "../outside/absent/"),
    ("link", "x.outside.link", "../outside/link"),
    ("link", "x.chain", "x.outside"),
    ("link", "x.chain2", "x.chain/file"),
    ("link", "x.chain3", "x.chain/"),
    ("link", "x.chain.in", "l.here/x.outside.file"),
    ("link", "dir/x.up", "../.."),
    ("link", "dir/x.secret", "../../secret"),
    ("link", "dir/sub/x.outside", "../../../outside"),
    # Absolute ones, also into the grant itself.
    ("link", "x.abs", "{root}/outside"),
    ("link", "x.abs.slash", "{root}/outside/"),
    ("link", "x.abs.file", "{root}/outside/file"),
    ("link", "x.abs.dangling", "{root}/outside/absent"),
    ("link", "x.abs.in", "{root}/{grant}/file"),
    ("link", "x.abs.link", "{root}/outside/link"),
    ("link", "x.root", "/"),
    ("link", "x.roots", "//"),
    ("link", "x.etc", "/etc/passwd"),
    ("link", "x.proc.root", "/proc/self/root"),
    ("link", "x.proc.cwd", "/proc/self/cwd"),
    ("link", "x.proc.fd", "/proc/self/fd/3"),
    ("link", "x.proc.fds", "/proc/self/fd"),
    ("link", "x.dev", "/dev/zero"),
    ("link", "x.dev.fd", "/dev/fd/0"),
] + [("link", f"c.{n}", f"c.{n + 1}") for n in range(LONG_CHAIN)] + [("file", f"c.{LONG_CHAIN}", "end of the chain")]

OUTSIDE = [
    ("dir", "outside", ""),
    ("file", "secret", "SECRET beside"),
    ("file", "HIDDEN", "SECRET in a name that nobody tells the guest"),
    ("file", "outside/HIDDEN", "SECRET"),
    ("file", "outside/file", "SECRET outside"),
    ("file", "outside/secret", "SECRET outside, too"),
    ("dir", "outside/dir", ""),
    ("file", "outside/dir/HIDDEN", "SECRET"),
    ("file", "outside/dir/file", "SECRET outside dir"),
    ("dir", "outside/empty", ""),
    ("dir", "outside/empty2", ""),
    ("link", "outside/link", "file"),
    ("link", "outside/link.dir", "dir"),
]


def make(root, entries, names):
    for kind, path, text in entries:
        target = root / path
        if kind == "dir":
            target.mkdir()
        elif kind == "file":
            target.write_text(text)
        else:
            os.symlink(text.format(**names), target)


def make_specials(grant):
    """What only a host makes. @return the names of those that this host allows."""
    made = ["fifo", "socket"]
    os.mkfifo(grant / "fifo")
    # By a relative name: those of sockets are short.
    folder = os.open(grant, os.O_RDONLY | os.O_DIRECTORY)
    here = os.getcwd()
    os.fchdir(folder)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
    os.chdir(here)
    os.close(folder)
    try:
        os.mknod(grant / "device", stat.S_IFCHR | 0o666, os.makedev(1, 5))
        made.append("device")
    except PermissionError:
        pass
    return made


def scratch_directory():
    """Where trees are made: in memory if possible, for disks are slow to rename on."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class Tree:
    """A directory for one test."""

    GRANTS = ("rw", "ro")
    DESCRIPTORS = {"rw": 3, "ro": 4}

    def __init__(self, root):
        self.root = pathlib.Path(root)
        for name in self.GRANTS:
            (self.root / name).mkdir()
        make(self.root, OUTSIDE, {})
        self.refresh()

    def refresh(self):
        """The grants as they were at first; what is outside is not touched, nor the grants' directories."""
        for name in self.GRANTS:
            grant = self.root / name
            for entry in list(os.scandir(grant)):
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path)
                else:
                    os.unlink(entry.path)
            make(grant, INSIDE, {"root": self.root, "grant": name})
            self.specials = make_specials(grant)

    def command(self, way):
        """What runs a module, whose grants become descriptors 3 and 4."""
        writable, read_only = self.root / "rw", self.root / "ro"
        if way in MEMORY_WAYS:
            return [MEMORY_RUNNER, way, str(writable), str(read_only)]
        return [guest.COMMAND, "run", "--dir", f"{writable}::/rw", "--dir", f"{read_only}::/ro:ro"]
