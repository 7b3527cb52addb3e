# SPDX-License-Identifier: Apache-2.0
"""Reads cases.txt: what is done, and what must be answered."""
import re

SHORT = {  # words of cases.txt for the usual ways to open
    "get": ("follow", "0", "read|fd_readdir|fd_filestat_get"),
    "get-": ("0", "0", "read|fd_readdir|fd_filestat_get"),
    "dir": ("follow", "directory", "fd_readdir|fd_filestat_get"),
    "dir-": ("0", "directory", "fd_readdir|fd_filestat_get"),
    "put": ("follow", "creat", "rw|fd_filestat_get"),
    "put-": ("0", "creat", "rw|fd_filestat_get"),
    "new": ("follow", "creat|excl", "rw|fd_filestat_get"),
    "new-": ("0", "creat|excl", "rw|fd_filestat_get"),
    "cut": ("follow", "trunc", "rw|fd_filestat_get"),
    "cut-": ("0", "trunc", "rw|fd_filestat_get"),
    "change": ("follow", "0", "rw|fd_filestat_get"),
}
REPEATED = re.compile(r"\{([^*}]*)\*(\d+)\}")
ESCAPED = re.compile(rb"%([0-9a-f]{2})")


def expand(word):
    """{x*3} → xxx, %2f → /, '' → nothing. Bytes, for a path may hold any."""
    if word == "''":
        return b""
    text = REPEATED.sub(lambda match: match[1] * int(match[2]), word)
    return ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), text.encode())


class Step:
    def __init__(self, text, number):
        self.text, self.number = text, number
        call, _, expected = text.partition(" => ")
        name, *words = call.split()
        if name in SHORT:
            lookup, oflags, rights = SHORT[name]
            descriptor, path = words
            self.operation = ("probe", descriptor, lookup, expand(path), oflags, rights, rights, "nonblock")
        else:
            self.operation = (name, *self._arguments(name, words))
        errors, *fields = expected.split()
        self.errors = errors.split("|")
        self.fields = dict(field.split("=", 1) for field in fields)

    @staticmethod
    def _arguments(name, words):
        from guest import SIGNATURES

        return [expand(word) if kind == "p" else word for kind, word in zip(SIGNATURES[name], words, strict=True)]

    def accepts(self, answer):
        if answer.error not in self.errors:
            return False
        return all(answer.fields.get(key) == value for key, value in self.fields.items())

    def __str__(self):
        return f"line {self.number}: {self.text}"


class Case:
    def __init__(self, title):
        self.title, self.steps, self.needs = title, [], set()


def load(path):
    """A line `= title` begins a case, `needs THING` restricts it; `#` begins a comment."""
    found = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.strip()
        if line.startswith("= "):
            found.append(Case(line[2:]))
        elif line.startswith("needs "):
            found[-1].needs |= set(line.split()[1:])
        elif line and not line.startswith("#"):
            found[-1].steps.append(Step(line, number))
    return found
