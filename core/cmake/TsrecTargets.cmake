# tsrec_settings: warnings and the shared precompiled header for every target of this tree.
# tsrec_add_plugin(NAME KIND kind SOURCES files... [LIBS targets...]): one MODULE that links the SDK and nothing else of ours.
include(TsrecAbi)

function(tsrec_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wno-sign-conversion)
endfunction()

# LibTorch's headers take half a minute to parse, so they are parsed once. Everybody who reuses the result must be
# compiled with the same flags (position independence, visibility, language), which the top CMakeLists.txt sets.
function(tsrec_precompiled target)
  get_target_property(type ${target} TYPE)
  if(type STREQUAL EXECUTABLE)  # CMake would say -fPIE, and the compiler would then refuse the header
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE -fPIC)
  endif()
  target_precompile_headers(${target} REUSE_FROM tsrec_pch)
endfunction()

# Every file that sees LibTorch's headers pays five seconds for their templates, precompiled or not: a few files at once
# pay them once. -DTSREC_UNITY=OFF compiles each file for itself, which is quicker when one file changes.
function(tsrec_few_units target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${TSREC_UNITY} UNITY_BUILD_BATCH_SIZE 4)
  if(TSREC_UNITY)  # g++ takes the files of a unit for headers, where a type of an anonymous namespace would be a slip
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  endif()
endfunction()

function(tsrec_add_plugin name)
  cmake_parse_arguments(arg "" "KIND" "SOURCES;LIBS" ${ARGN})
  set(target plugin_${arg_KIND}_${name})
  add_library(${target} MODULE ${arg_SOURCES})
  set_target_properties(${target} PROPERTIES
    PREFIX "" OUTPUT_NAME ${name}
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib/tsrec/plugins/${arg_KIND}
    LINK_DEPENDS ${CMAKE_SOURCE_DIR}/core/cmake/plugin.map)
  target_link_libraries(${target} PRIVATE tsrec::tsrec ${arg_LIBS})
  # Exactly two names leave a plugin; whatever it uses, it links.
  target_link_options(${target} PRIVATE
    -Wl,--version-script=${CMAKE_SOURCE_DIR}/core/cmake/plugin.map -Wl,-z,defs -Wl,--exclude-libs,ALL)
  tsrec_warnings(${target})
  tsrec_precompiled(${target})
  tsrec_few_units(${target})
  set_property(GLOBAL APPEND PROPERTY TSREC_PLUGIN_TARGETS ${target})
endfunction()
