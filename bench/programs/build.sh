#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Compiles the kernels to WebAssembly and natively: bench/programs/build.sh OUTDIR [NAME...]
# gives OUTDIR/NAME.wasm and OUTDIR/NAME.native for each NAME, by default all in programs.txt. The source of NAME
# is NAME.c, or all of NAME/*.c. Only kernels that need it (programs.txt) are compiled with SIMD.
# CC chooses another clang; JOBS how many to compile at once (default 2).
set -eu

if [ $# -lt 1 ]; then
    echo "usage: $0 OUTDIR [NAME...]" >&2
    exit 2
fi
out=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
CC=${CC:-clang-19}
JOBS=${JOBS:-2}

missing() {
    echo "$0: $1 is missing; install the Debian package $2" >&2
    exit 1
}
mkdir -p "$out"
command -v "$CC" >/dev/null || missing "$CC" clang-19
command -v wasm-ld-19 >/dev/null || command -v wasm-ld >/dev/null || missing wasm-ld lld-19
printf '#include <stdio.h>\nint main(void) { return puts("") < 0; }\n' |
    "$CC" --target=wasm32-wasi -x c - -o "$out/.probe" 2>/dev/null ||
    missing "a C library for wasm32-wasi" "wasi-libc (and libclang-rt-19-dev-wasm32)"
rm -f "$out/.probe"

# -ffp-contract=off: with multiply-add instructions the native results would differ.
flags="-std=gnu11 -O3 -ffp-contract=off -Wall -Wextra -Werror"
wasm="--target=wasm32-wasi -Wl,-z,stack-size=262144 -Wl,--stack-first -Wl,--strip-debug"

compile() { # compile NAME
    if [ -d "$here/$1" ]; then
        set -- "$1" "$here/$1"/*.c
    else
        set -- "$1" "$here/$1.c"
    fi
    name=$1
    shift
    if grep -q "^$name .*\[needs simd\]" "$here/programs.txt"; then
        simd=-msimd128
    else
        simd=-mno-simd128
    fi
    $CC $flags $wasm $simd "$@" -o "$out/$name.wasm"
    $CC $flags "$@" -lm -o "$out/$name.native"
}

[ $# -gt 0 ] || set -- $(sed -e '/^#/d' -e 's/ .*//' "$here/programs.txt")
failed=0
running=0
processes=
wait_all() {
    for process in $processes; do
        wait "$process" || failed=1
    done
    running=0
    processes=
}
for name in "$@"; do
    compile "$name" &
    processes="$processes $!"
    running=$((running + 1))
    if [ "$running" -eq "$JOBS" ]; then
        wait_all
    fi
done
wait_all
exit "$failed"
