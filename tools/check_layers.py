#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that includes point down: a file may include its own layer and those below it, and no include
cycle exists. The table is that of CMakeLists.txt; docs/architecture.md explains it."""
import pathlib
import re
import sys

LAYERS = {  # layer: (folders, layers right below)
    "base": (["engine/base"], []),
    "isa": (["engine/isa"], ["base"]),
    "semantics": (["engine/semantics"], ["isa"]),
    "module": (["engine/module"], ["isa"]),
    "binary": (["engine/binary"], ["module"]),
    "text": (["engine/text"], ["binary"]),
    "validate": (["engine/validate"], ["binary"]),
    "lower": (["engine/lower"], ["validate"]),
    "runtime": (["engine/runtime"], ["lower", "semantics"]),
    "interp": (["engine/interp"], ["runtime"]),
    "jit": (["jit"], ["interp"]),
    "api": (["engine/api", "include"], ["jit", "text"]),
    "wasi": (["wasi"], ["api"]),
    "sandbox": (["sandbox"], ["wasi"]),
    "cli": (["cli"], ["sandbox"]),
    "spec-tests": (["spec-tests"], ["api"]),
}
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


def allowed(layer):
    """A layer and all below it."""
    below = {layer}
    for other in LAYERS[layer][1]:
        below |= allowed(other)
    return below


def layer_of(path):
    for layer, (folders, _) in LAYERS.items():
        if any(str(path).startswith(folder + "/") for folder in folders):
            return layer
    return None


def resolve(root, name):
    for candidate in (name, "include/" + name):
        if (root / candidate).exists():
            return pathlib.PurePosixPath(candidate)
    return None


def find_cycle(graph):
    """A list of files that include each other in a ring, or None."""
    state = {}
    for start in graph:
        stack = [(start, iter(graph[start]))]
        path = [start]
        if state.get(start):
            continue
        state[start] = "open"
        while stack:
            node, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                state[node] = "done"
                stack.pop()
                path.pop()
            elif state.get(following) == "open":
                return path[path.index(following):] + [following]
            elif following in graph and not state.get(following):
                state[following] = "open"
                stack.append((following, iter(graph[following])))
                path.append(following)
    return None


def check(root):
    """Messages about everything that is wrong below `root`."""
    messages, graph = [], {}
    for folders, _ in LAYERS.values():
        for folder in folders:
            for file in sorted((root / folder).rglob("*")):
                if file.suffix not in (".h", ".hpp", ".cpp", ".inl", ".def"):
                    continue
                path = pathlib.PurePosixPath(file.relative_to(root).as_posix())
                graph[path] = []
                for name in INCLUDE.findall(file.read_text()):
                    target = resolve(root, name)
                    if target is None:
                        messages.append(f"{path}: no such file: {name}")
                        continue
                    graph[path].append(target)
                    layer, other = layer_of(path), layer_of(target)
                    if other is None or other not in allowed(layer):
                        messages.append(f"{path}: layer {layer} must not include {target} (layer {other})")
    cycle = find_cycle(graph)
    if cycle:
        messages.append("include cycle: " + " -> ".join(map(str, cycle)))
    return messages


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    messages = check(root)
    print("\n".join(messages) or "layers: every include points down")
    return 1 if messages else 0


if __name__ == "__main__":
    sys.exit(main())
