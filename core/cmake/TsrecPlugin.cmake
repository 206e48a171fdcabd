# What a plugin's CMakeLists.txt calls, in this tree and outside of it.
#
#   tsrec_add_plugin(NAME KIND kind SOURCES files... [LIBS targets...])
#       NAME.so of one or more parts; it links the SDK, its own LIBS and nothing else. Outside this tree it is written to
#       plugins/ beside the CMakeLists.txt, where an experiment.toml in that folder finds it.
#   tsrec_add_plugin_test(NAME [SOURCES files...] [LIBS targets...] [OPTIONS part.key=value...] [SECONDS seconds])
#       ctest: every rule of conformance for every part of the plugin, under these options, each within so many seconds;
#       and the author's own tests, compiled with tsrec::testing and GoogleTest.

# A plugin and everything that shares its precompiled header: the same language and the same visibility.
function(tsrec_language target)
  set_target_properties(${target} PROPERTIES
    CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF
    POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
endfunction()

# LibTorch's headers take half a minute to parse, so they are parsed once. Everybody who reuses the result must be
# compiled with the same flags.
function(tsrec_precompiled target)
  if(NOT TARGET tsrec_pch)
    file(WRITE ${CMAKE_BINARY_DIR}/tsrec_pch.cpp "// Carries the precompiled header.\n")
    add_library(tsrec_pch OBJECT ${CMAKE_BINARY_DIR}/tsrec_pch.cpp)
    tsrec_language(tsrec_pch)
    target_link_libraries(tsrec_pch PRIVATE tsrec::tsrec)
    target_precompile_headers(tsrec_pch PRIVATE <tsrec/torch.hpp>)
  endif()
  get_target_property(type ${target} TYPE)
  if(type STREQUAL EXECUTABLE)  # CMake would say -fPIE, and the compiler would then refuse the header
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE -fPIC)
  endif()
  target_precompile_headers(${target} REUSE_FROM tsrec_pch)
endfunction()

function(tsrec_add_plugin name)
  cmake_parse_arguments(arg "" "KIND" "SOURCES;LIBS" ${ARGN})
  if(NOT arg_KIND OR NOT arg_SOURCES)
    message(FATAL_ERROR "tsrec_add_plugin(${name}) needs KIND and SOURCES, such as  tsrec_add_plugin(${name} KIND quantizer SOURCES ${name}.cpp)")
  endif()
  set(target plugin_${arg_KIND}_${name})
  add_library(${target} MODULE ${arg_SOURCES})
  tsrec_language(${target})
  set(exports ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin.map)
  if(TSREC_PLUGIN_OUTPUT)
    set(output ${TSREC_PLUGIN_OUTPUT}/${arg_KIND})
  else()
    set(output ${CMAKE_CURRENT_SOURCE_DIR}/plugins)
  endif()
  set_target_properties(${target} PROPERTIES
    PREFIX "" OUTPUT_NAME ${name} LIBRARY_OUTPUT_DIRECTORY ${output} LINK_DEPENDS ${exports}
    INSTALL_RPATH "$ORIGIN/../../..")
  target_link_libraries(${target} PRIVATE tsrec::tsrec ${arg_LIBS})
  # Exactly two names leave a plugin; whatever it uses, it links.
  target_link_options(${target} PRIVATE -Wl,--version-script=${exports} -Wl,-z,defs -Wl,--exclude-libs,ALL)
  tsrec_precompiled(${target})
  install(TARGETS ${target} LIBRARY DESTINATION lib/tsrec/plugins/${arg_KIND} COMPONENT runtime)
  set_property(GLOBAL APPEND PROPERTY TSREC_PLUGIN_TARGETS ${target})
endfunction()

function(tsrec_add_plugin_test name)
  cmake_parse_arguments(arg "" "SECONDS" "SOURCES;LIBS;OPTIONS" ${ARGN})
  get_property(plugins GLOBAL PROPERTY TSREC_PLUGIN_TARGETS)
  list(FILTER plugins INCLUDE REGEX "^plugin_[a-z]+_${name}$")
  if(NOT plugins)
    message(FATAL_ERROR "tsrec_add_plugin_test(${name}): there is no plugin ${name}; call tsrec_add_plugin(${name} ...) before it")
  endif()
  set(check_flags "")
  foreach(option IN LISTS arg_OPTIONS)
    list(APPEND check_flags --set ${option})
  endforeach()
  if(arg_SECONDS)
    list(APPEND check_flags --seconds ${arg_SECONDS})
  endif()
  add_test(NAME ${name}_conformance COMMAND tsrec::run check $<TARGET_FILE:${plugins}> ${check_flags})
  if(NOT arg_SOURCES)
    return()
  endif()
  find_package(GTest REQUIRED)
  add_executable(${name}_test ${arg_SOURCES})
  tsrec_language(${name}_test)
  target_link_libraries(${name}_test PRIVATE tsrec::tsrec tsrec::testing GTest::gtest_main ${arg_LIBS})
  target_compile_definitions(${name}_test PRIVATE TSREC_TESTED_PLUGIN="$<TARGET_FILE:${plugins}>")
  tsrec_precompiled(${name}_test)
  add_dependencies(${name}_test ${plugins})
  add_test(NAME ${name}_test COMMAND ${name}_test)
endfunction()
