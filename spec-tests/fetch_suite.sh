#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fetches the test folder of the pinned WebAssembly specification: fetch_suite.sh DIRECTORY
set -euo pipefail
directory=$1
commit=285a9032950cbad6a9f84de11183008e286092a2
[ -d "$directory/core" ] && exit 0
mkdir -p "$directory.git"
cd "$directory.git"
git init -q
timeout 120 git fetch -q --depth 1 https://github.com/WebAssembly/spec "$commit"
git checkout -q FETCH_HEAD -- test
mv test "$directory"
