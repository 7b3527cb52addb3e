#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Compiles the kernels to WebAssembly without SIMD and natively: bench/programs/build.sh OUTDIR
# gives OUTDIR/NAME.wasm and OUTDIR/NAME.native for each NAME in programs.txt.
# CC chooses another clang; JOBS how many to compile at once (default 2).
set -eu

if [ $# -ne 1 ]; then
    echo "usage: $0 OUTDIR" >&2
    exit 2
fi
out=$1
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
wasm="--target=wasm32-wasi -mno-simd128 -Wl,-z,stack-size=262144 -Wl,--stack-first
      -Wl,--strip-debug"

sed -e '/^#/d' -e 's/ .*//' "$here/programs.txt" | xargs -P "$JOBS" -I NAME sh -euc "
    $CC $flags $(echo $wasm) '$here/NAME.c' -o '$out/NAME.wasm'
    $CC $flags '$here/NAME.c' -lm -o '$out/NAME.native'"
