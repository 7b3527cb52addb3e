#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Compiles the guests of these tests to WebAssembly: tests/wasi/build.sh OUTDIR gives OUTDIR/NAME.wasm.
# CC chooses another compiler.
set -eu

if [ $# -ne 1 ]; then
    echo "usage: $0 OUTDIR" >&2
    exit 2
fi
out=$1
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$out"
for source in "$here"/guests/*.c; do
    target=$out/$(basename "$source" .c).wasm
    [ "$target" -nt "$source" ] || ${CC:-clang-19} --target=wasm32-wasi -std=gnu11 -O2 -Wall -Wextra -Werror \
        -Wl,--strip-debug "$source" -o "$target"
done
