# SPDX-License-Identifier: Apache-2.0
# Finds what the build needs; a missing piece names its Debian package.

# wsb_require(package debian-package): find_package that says what to install.
macro(wsb_require package debian)
    find_package(${package} QUIET ${ARGN})
    if(NOT ${package}_FOUND)
        message(FATAL_ERROR "${package} was not found: apt-get install ${debian} (or run ./dev setup)")
    endif()
endmacro()

wsb_require(fmt libfmt-dev)
wsb_require(Threads libc6-dev)
# Header-only, in sources of the sandbox:
wsb_require(nlohmann_json nlohmann-json3-dev)
wsb_require(tomlplusplus libtomlplusplus-dev)
# The command and the spec runner only:
wsb_require(CLI11 libcli11-dev)
# "wasm-sandbox disas" only, which is left out without it:
find_library(WSB_CAPSTONE capstone)
find_path(WSB_CAPSTONE_INCLUDE capstone/capstone.h)
if(NOT WSB_CAPSTONE OR NOT WSB_CAPSTONE_INCLUDE)
    message(STATUS "capstone was not found: there will be no \"wasm-sandbox disas\" (apt-get install libcapstone-dev)")
    unset(WSB_CAPSTONE CACHE)
endif()
