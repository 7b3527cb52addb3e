# SPDX-License-Identifier: Apache-2.0
# Layers that load modules are optimised for what loading does most (docs/adr/0018-profile.md): with a profile, clang
# inlines what runs often and moves apart what does not. The profile is text, which `./dev profile` records. Other
# compilers do without, and so does each function that has changed since.

option(WSB_PROFILE "Optimise the loading of modules by cmake/loading.proftext, where clang can" ON)
option(WSB_RECORD_PROFILE "Build a command that records this profile" OFF)

set(WSB_PROFILE_OPTIONS "")
# Functions that are local to a file are known by its name, not by where it lies.
set(wsb_names_without_directories "SHELL:-mllvm -static-func-full-module-prefix=false")

if(WSB_RECORD_PROFILE)
    # How often, not with which values: that would be half of the file and make nothing faster.
    set(WSB_PROFILE_OPTIONS -fprofile-generate "SHELL:-mllvm -disable-vp" ${wsb_names_without_directories})
    add_link_options(-fprofile-generate)
elseif(WSB_PROFILE AND CMAKE_CXX_COMPILER_ID STREQUAL Clang AND CMAKE_BUILD_TYPE MATCHES "^Rel" AND NOT WSB_SANITIZE)
    # Of the compiler's version: others write what it does not read.
    string(REGEX MATCH "^[0-9]+" wsb_clang_version ${CMAKE_CXX_COMPILER_VERSION})
    find_program(WSB_PROFDATA llvm-profdata-${wsb_clang_version})
    if(WSB_PROFDATA)
        set(wsb_profile_text ${CMAKE_SOURCE_DIR}/cmake/loading.proftext)
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${wsb_profile_text})
        # Its name tells what it has, so that another profile makes for other options.
        file(SHA256 ${wsb_profile_text} wsb_profile_hash)
        set(wsb_profile ${CMAKE_BINARY_DIR}/loading-${wsb_profile_hash}.profdata)
        execute_process(COMMAND ${WSB_PROFDATA} merge -o ${wsb_profile} ${wsb_profile_text} COMMAND_ERROR_IS_FATAL ANY)
        set(WSB_PROFILE_OPTIONS -fprofile-use=${wsb_profile} ${wsb_names_without_directories} -Wno-backend-plugin)
    endif()
endif()
