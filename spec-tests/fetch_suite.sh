#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fetches the official test suite at pinned commits: fetch_suite.sh DIRECTORY
set -euo pipefail
directory=$1
specification=285a9032950cbad6a9f84de11183008e286092a2
mirror=193e551ff22663995b1ac95dc62344133669e14b
threads=979d0fcb994439423d63b2f0a8a7332d6285dd84
[ -f "$directory/SOURCE.md" ] && exit 0

# fetch REPOSITORY COMMIT PATH: into $directory.git/REPOSITORY
fetch() {
    local clone=$directory.git/$1
    mkdir -p "$clone"
    git -C "$clone" init -q
    timeout 120 git -C "$clone" fetch -q --depth 1 "https://github.com/WebAssembly/$1" "$2"
    git -C "$clone" checkout -q FETCH_HEAD -- "$3"
}
fetch spec $specification test
fetch testsuite $mirror proposals
fetch threads $threads test/core/threads

rm -rf "$directory"
mkdir -p "$directory/proposals"
mv "$directory.git/spec/test/core" "$directory.git/spec/test/custom" "$directory"
mv "$directory.git/spec/test/legacy/exceptions/core" "$directory/legacy-exceptions"
for proposal in threads wide-arithmetic custom-page-sizes custom-descriptors; do
    mv "$directory.git/testsuite/proposals/$proposal" "$directory/proposals"
done
mv "$directory.git/threads/test/core/threads" "$directory/proposals/threads-upstream"
cat > "$directory/SOURCE.md" <<END
| placed at | repository | commit | date | path there |
|---|---|---|---|---|
| core/ | WebAssembly/spec (main) | $specification | 2026-07-23 | test/core |
| custom/ | WebAssembly/spec (main) | same | | test/custom |
| legacy-exceptions/ | WebAssembly/spec (main) | same | | test/legacy/exceptions/core |
| proposals/{threads,wide-arithmetic,custom-page-sizes,custom-descriptors} | WebAssembly/testsuite (main) | $mirror | \
2026-06-17 | proposals/... |
| proposals/threads-upstream | WebAssembly/threads (main) | $threads | 2026-04-22 | test/core/threads |
END
