#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Compiles the examples to WebAssembly and natively: examples/build.sh OUTDIR
# gives OUTDIR/NAME.wasm and OUTDIR/NAME.native, and copies of the .wat files.
# CC, CXX and RUSTC choose other compilers; the Rust example is left out where rustc has no
# wasm32-wasip1 target.
set -eu

if [ $# -ne 1 ]; then
    echo "usage: $0 OUTDIR" >&2
    exit 2
fi
out=$1
here=$(cd "$(dirname "$0")" && pwd)
CC=${CC:-clang-19}
CXX=${CXX:-clang++-19}
RUSTC=${RUSTC:-rustc}

need() { # need DESCRIPTION PACKAGE COMMAND...
    description=$1
    package=$2
    shift 2
    if ! "$@" >/dev/null 2>&1; then
        echo "$0: $description is missing; install the Debian package $package" >&2
        exit 1
    fi
}
compiles() { # compiles LANGUAGE COMPILER SOURCE: a WASI program of one line builds
    printf '%s\n' "$3" | "$2" --target=wasm32-wasi -x "$1" - -o "$out/.probe"
}

mkdir -p "$out"
need "$CC" clang-19 "$CC" --version
need "wasm-ld" lld-19 sh -c 'command -v wasm-ld-19 || command -v wasm-ld'
need "a C library for wasm32-wasi" "wasi-libc (and libclang-rt-19-dev-wasm32)" \
    compiles c "$CC" '#include <stdio.h>
int main(void) { return puts("") < 0; }'
need "a C++ library for wasm32-wasi" libc++-19-dev-wasm32 \
    compiles c++ "$CXX" '#include <vector>
int main() { return (int)std::vector<int>().size(); }'
rm -f "$out/.probe"

common="-O2 -Wall -Wextra -Werror"
wasm="--target=wasm32-wasi -Wl,-z,stack-size=1048576 -Wl,--stack-first -Wl,--strip-debug"

$CC -std=gnu11 $common $wasm "$here/textstats/textstats.c" -o "$out/textstats.wasm"
$CC -std=gnu11 $common "$here/textstats/textstats.c" -lm -o "$out/textstats.native"

$CXX -std=c++20 -fno-exceptions $common $wasm "$here/primes/primes.cpp" -o "$out/primes.wasm"
$CXX -std=c++20 -fno-exceptions $common "$here/primes/primes.cpp" -o "$out/primes.native"

# A library of functions rather than a program.
$CC -std=gnu11 $common $wasm -mexec-model=reactor -I "$here/../include" "$here/messages/guest.c" -o "$out/messages.wasm"

cp "$here/hello/hello.wat" "$here/fib/fib.wat" "$out/"

rust_library=$("$RUSTC" --print target-libdir --target wasm32-wasip1 2>/dev/null || true)
if [ -n "$rust_library" ] && [ -d "$rust_library" ]; then
    rust="--edition 2021 -C opt-level=2 -C strip=symbols"
    $RUSTC $rust --target wasm32-wasip1 "$here/rust-wordcount/main.rs" \
        -o "$out/rust-wordcount.wasm"
    $RUSTC $rust "$here/rust-wordcount/main.rs" -o "$out/rust-wordcount.native"
fi
