#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the library to a fresh prefix and builds a program against it, by CMake and by pkg-config:
# run.sh BUILD_DIRECTORY COMPILER
set -euo pipefail
build=$1 compiler=$2
source=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
expected="sum 142 fuel 5"

cmake --install "$build" --prefix "$work/prefix" >/dev/null
cmake -S "$source" -B "$work/cmake" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_PREFIX_PATH="$work/prefix" >/dev/null
cmake --build "$work/cmake" >/dev/null
[ "$("$work/cmake/consumer")" = "$expected" ]

# The installed file names the configured prefix; pkg-config can be told of another one.
PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name wasm_sandbox.pc)")
export PKG_CONFIG_PATH
flags=$(pkg-config --define-variable=prefix="$work/prefix" --cflags --libs wasm_sandbox)
# shellcheck disable=SC2086  # flags are words
"$compiler" -std=c++23 "$source/main.cpp" -o "$work/by-pkg-config" $flags
[ "$("$work/by-pkg-config")" = "$expected" ]
echo "consumer: CMake package and pkg-config both work"
