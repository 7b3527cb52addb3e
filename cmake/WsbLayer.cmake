# SPDX-License-Identifier: Apache-2.0
# Layers are object libraries that end up in one static library.

set(WSB_LAYER_OBJECTS "" CACHE INTERNAL "")

# wsb_layer(name directory [DEPENDS layer…] [OPTIONS flag…] [UNITY] [PROFILED]): all *.cpp of a directory, as one unit,
# and optimised by the profile (WsbProfile.cmake), if these are given. A directory that holds headers only, or does not
# exist yet, is a layer without objects.
function(wsb_layer name directory)
    cmake_parse_arguments(PARSE_ARGV 2 ARG "UNITY;PROFILED" "" "DEPENDS;OPTIONS")
    list(TRANSFORM ARG_DEPENDS PREPEND wsb_layer_)
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${directory}/*.cpp)
    if(NOT sources)
        add_library(wsb_layer_${name} INTERFACE)
        target_link_libraries(wsb_layer_${name} INTERFACE wsb_options ${ARG_DEPENDS})
        return()
    endif()
    add_library(wsb_layer_${name} OBJECT ${sources})
    target_link_libraries(wsb_layer_${name} PUBLIC wsb_options ${ARG_DEPENDS})
    target_compile_options(wsb_layer_${name} PRIVATE ${ARG_OPTIONS})
    if(ARG_PROFILED)
        target_compile_options(wsb_layer_${name} PRIVATE ${WSB_PROFILE_OPTIONS})
    endif()
    set_target_properties(wsb_layer_${name} PROPERTIES UNITY_BUILD ${ARG_UNITY} UNITY_BUILD_BATCH_SIZE 0)
    set(WSB_LAYER_OBJECTS ${WSB_LAYER_OBJECTS} $<TARGET_OBJECTS:wsb_layer_${name}> CACHE INTERNAL "")
endfunction()

# wsb_library(): the library of all layers, installed with its headers, a CMake package and a pkg-config
# file.
function(wsb_library)
    add_library(wasm_sandbox STATIC ${WSB_LAYER_OBJECTS})
    add_library(wsb::wasm_sandbox ALIAS wasm_sandbox)
    target_link_libraries(wasm_sandbox PUBLIC Threads::Threads)
    target_include_directories(wasm_sandbox PUBLIC
        $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}> $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>
        $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/wasm_sandbox>)
    target_compile_features(wasm_sandbox PUBLIC cxx_std_23)

    install(TARGETS wasm_sandbox EXPORT wasm_sandbox ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
    install(DIRECTORY include/wsb DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
    # The engine's headers that the public ones include.
    install(DIRECTORY engine DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/wasm_sandbox
        FILES_MATCHING PATTERN "base/*.h" PATTERN "base/*.def" PATTERN "isa/*.h" PATTERN "isa/*.def"
        PATTERN "runtime/*.h")
    set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/wasm_sandbox)
    install(EXPORT wasm_sandbox NAMESPACE wsb:: DESTINATION ${package_dir} FILE wasm_sandbox-targets.cmake)
    include(CMakePackageConfigHelpers)
    write_basic_package_version_file(${CMAKE_BINARY_DIR}/wasm_sandbox-config-version.cmake
        COMPATIBILITY SameMinorVersion)
    configure_file(${CMAKE_SOURCE_DIR}/cmake/wasm_sandbox-config.cmake.in
        ${CMAKE_BINARY_DIR}/wasm_sandbox-config.cmake @ONLY)
    configure_file(${CMAKE_SOURCE_DIR}/cmake/wasm_sandbox.pc.in ${CMAKE_BINARY_DIR}/wasm_sandbox.pc @ONLY)
    install(FILES ${CMAKE_BINARY_DIR}/wasm_sandbox-config.cmake
        ${CMAKE_BINARY_DIR}/wasm_sandbox-config-version.cmake DESTINATION ${package_dir})
    install(FILES ${CMAKE_BINARY_DIR}/wasm_sandbox.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()

# wsb_link_whole(target order): a command that needs no shared library, since finding and relocating them takes longer
# than running a small guest. It stays position-independent, so that its addresses stay random. Sanitizers need
# shared libraries; where there is no static C library, those of the compiler at least are linked in. Where the
# linker is lld, functions named in `order`, a file of symbols, come first and in that order: so the pages that a
# start touches lie together (tools/startup_order.py).
function(wsb_link_whole target order)
    if(WSB_SANITIZE)
        return()
    endif()
    include(CheckCXXSourceCompiles)
    set(CMAKE_REQUIRED_LINK_OPTIONS -static-pie)
    check_cxx_source_compiles("#include <iostream>\nint main() { std::cout << 1; }" WSB_CAN_LINK_STATIC_PIE)
    if(WSB_CAN_LINK_STATIC_PIE)
        target_link_options(${target} PRIVATE -static-pie)
    else()
        target_link_options(${target} PRIVATE -static-libstdc++ -static-libgcc)
    endif()
    target_link_options(${target} PRIVATE -Wl,--gc-sections)
    set(lld_options -fuse-ld=lld -Wl,--pack-dyn-relocs=relr)
    set(CMAKE_REQUIRED_LINK_OPTIONS ${CMAKE_REQUIRED_LINK_OPTIONS} ${lld_options})
    check_cxx_source_compiles("#include <iostream>\nint main() { std::cout << 1; }" WSB_CAN_LINK_WITH_LLD)
    if(WSB_CAN_LINK_WITH_LLD)
        target_link_options(${target} PRIVATE ${lld_options} -Wl,--symbol-ordering-file=${order}
            -Wl,--no-warn-symbol-ordering)
        set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${order})
    endif()
endfunction()
