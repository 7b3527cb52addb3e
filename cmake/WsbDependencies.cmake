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
