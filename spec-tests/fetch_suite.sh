#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fetches the scripts of the official suite, at pinned commits: fetch_suite.sh DIRECTORY
# All of them or none; what is there already at these commits is not fetched again. DIRECTORY/SOURCE.md says
# what it is.
set -euo pipefail

# repository, commit, directory there, directory here
parts="
spec      285a9032950cbad6a9f84de11183008e286092a2 test/core                    core
spec      285a9032950cbad6a9f84de11183008e286092a2 test/custom                  custom
spec      285a9032950cbad6a9f84de11183008e286092a2 test/legacy/exceptions/core  legacy-exceptions
testsuite 193e551ff22663995b1ac95dc62344133669e14b proposals/threads            proposals/threads
testsuite 193e551ff22663995b1ac95dc62344133669e14b proposals/wide-arithmetic    proposals/wide-arithmetic
testsuite 193e551ff22663995b1ac95dc62344133669e14b proposals/custom-page-sizes  proposals/custom-page-sizes
testsuite 193e551ff22663995b1ac95dc62344133669e14b proposals/custom-descriptors proposals/custom-descriptors
threads   979d0fcb994439423d63b2f0a8a7332d6285dd84 test/core/threads            proposals/threads-upstream
"

suite=$(realpath -m "$1")
if printf "%s" "$parts" | cmp -s - "$suite/parts"; then exit 0; fi
work=$suite.part
rm -rf "$work"
mkdir -p "$work/new"

while read -r repository commit from to; do
    [ -n "$repository" ] || continue
    clone=$work/$repository
    if [ ! -d "$clone" ]; then
        git init -q "$clone"
        timeout 300 git -C "$clone" fetch -q --depth 1 "https://github.com/WebAssembly/$repository" "$commit"
    fi
    git -C "$clone" checkout -q "$commit" -- "$from"
    mkdir -p "$work/new/$to"
    (cd "$clone/$from" && find . -name '*.wast' -exec cp --parents -t "$work/new/$to" {} +)
done <<<"$parts"

# The table that docs/conformance.md repeats; the commits are those of the parts.
cat >"$work/new/SOURCE.md" <<'END'
| placed at | repository | commit | date | path there |
|---|---|---|---|---|
| core/ | WebAssembly/spec (main) | 285a9032950cbad6a9f84de11183008e286092a2 | 2026-07-23 | test/core |
| custom/ | WebAssembly/spec (main) | same | | test/custom |
| legacy-exceptions/ | WebAssembly/spec (main) | same | | test/legacy/exceptions/core |
| proposals/{threads,wide-arithmetic,custom-page-sizes,custom-descriptors} | WebAssembly/testsuite (main) | 193e551ff22663995b1ac95dc62344133669e14b | 2026-06-17 | proposals/... |
| proposals/threads-upstream | WebAssembly/threads (main) | 979d0fcb994439423d63b2f0a8a7332d6285dd84 | 2026-04-22 | test/core/threads |
END
printf '%s' "$parts" >"$work/new/parts"
rm -rf "$suite"
mv "$work/new" "$suite"
rm -rf "$work"
