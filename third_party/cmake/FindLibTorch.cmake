# Finds LibTorch >= 2.6 and makes the imported target LibTorch::LibTorch.
#
# find_package(Torch) is not used: from a CUDA wheel it demands a CUDA toolkit, and CUDA is a run-time matter here.
# Searched, in this order: TSREC_LIBTORCH (variable, then environment), CMAKE_PREFIX_PATH, the folder that
# third_party/install.sh fills. Sets LibTorch_DIR_FOUND, LibTorch_VERSION, LibTorch_CUDA ("cpu" or e.g. "13.0").

set(_tsrec_minimum 2.6)
set(_tsrec_rejected "")

function(_tsrec_try_libtorch dir origin)
  if(LibTorch_DIR_FOUND OR NOT dir)
    return()
  endif()
  foreach(root IN ITEMS "${dir}" "${dir}/torch")
    if(EXISTS "${root}/lib/libtorch_cpu.so")
      set(lines "")
      foreach(header IN ITEMS torch/headeronly/version.h torch/csrc/api/include/torch/version.h)  # the first since 2.9
        if(NOT lines AND EXISTS "${root}/include/${header}")
          file(STRINGS "${root}/include/${header}" lines REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
        endif()
      endforeach()
      string(REGEX REPLACE ".*MAJOR ([0-9]+).*MINOR ([0-9]+).*PATCH ([0-9]+).*" "\\1.\\2.\\3" version "${lines}")
      if(version VERSION_LESS _tsrec_minimum)
        set(_tsrec_rejected "${_tsrec_rejected}\n  ${root} (${origin}): version ${version} is older than ${_tsrec_minimum}" PARENT_SCOPE)
        return()
      endif()
      set(config "${root}/share/cmake/Torch/TorchConfig.cmake")
      if(EXISTS "${config}")
        file(STRINGS "${config}" old_abi REGEX "GLIBCXX_USE_CXX11_ABI=0")
        if(old_abi)
          set(_tsrec_rejected "${_tsrec_rejected}\n  ${root} (${origin}): built with _GLIBCXX_USE_CXX11_ABI=0, which Debian's libraries do not link with" PARENT_SCOPE)
          return()
        endif()
      endif()
      set(cuda cpu)
      if(EXISTS "${root}/version.py")
        file(STRINGS "${root}/version.py" lines REGEX "^cuda")
        if(lines MATCHES "'([0-9.]+)'")
          set(cuda "${CMAKE_MATCH_1}")
        endif()
      elseif(EXISTS "${root}/build-version")
        file(STRINGS "${root}/build-version" lines)
        if(lines MATCHES "cu([0-9]+)([0-9])")
          set(cuda "${CMAKE_MATCH_1}.${CMAKE_MATCH_2}")
        endif()
      endif()
      set(LibTorch_DIR_FOUND "${root}" PARENT_SCOPE)
      set(LibTorch_VERSION "${version}" PARENT_SCOPE)
      set(LibTorch_CUDA "${cuda}" PARENT_SCOPE)
      set(LibTorch_ORIGIN "${origin}" PARENT_SCOPE)
      return()
    endif()
  endforeach()
  set(_tsrec_rejected "${_tsrec_rejected}\n  ${dir} (${origin}): no lib/libtorch_cpu.so" PARENT_SCOPE)
endfunction()

set(LibTorch_DIR_FOUND "")
_tsrec_try_libtorch("${TSREC_LIBTORCH}" "TSREC_LIBTORCH")
_tsrec_try_libtorch("$ENV{TSREC_LIBTORCH}" "TSREC_LIBTORCH in the environment")
string(REPLACE ":" ";" _tsrec_env_prefix "$ENV{CMAKE_PREFIX_PATH}")
foreach(_tsrec_dir IN LISTS CMAKE_PREFIX_PATH _tsrec_env_prefix)
  _tsrec_try_libtorch("${_tsrec_dir}" "CMAKE_PREFIX_PATH")
endforeach()
if(DEFINED ENV{XDG_CACHE_HOME})
  set(_tsrec_cache "$ENV{XDG_CACHE_HOME}/tsrec")
else()
  set(_tsrec_cache "$ENV{HOME}/.cache/tsrec")
endif()
file(STRINGS "${CMAKE_CURRENT_LIST_DIR}/../requirements.txt" _tsrec_pin REGEX "^torch==")
string(REPLACE "torch==" "" _tsrec_pin "${_tsrec_pin}")
_tsrec_try_libtorch("${_tsrec_cache}/libtorch-${_tsrec_pin}" "third_party/install.sh")

if(NOT LibTorch_DIR_FOUND)
  message(FATAL_ERROR "LibTorch >= ${_tsrec_minimum} was not found. Looked at:${_tsrec_rejected}\n"
                      "Run third_party/install.sh, or name one with -DTSREC_LIBTORCH=DIR.")
endif()
message(STATUS "LibTorch ${LibTorch_VERSION} (CUDA: ${LibTorch_CUDA}) from ${LibTorch_DIR_FOUND}, found by ${LibTorch_ORIGIN}")
if(_tsrec_rejected)
  message(STATUS "LibTorch passed over:${_tsrec_rejected}")
endif()

# at::parallel_for is a header: without -fopenmp it compiles to a plain loop, silently. It must run on the OpenMP
# library that LibTorch itself loads: two of them in one process fight over the cores.
file(GLOB _tsrec_openmp "${LibTorch_DIR_FOUND}/lib/libgomp*.so*" "${LibTorch_DIR_FOUND}/lib/libiomp5.so" "${LibTorch_DIR_FOUND}/lib/libomp.so")
if(_tsrec_openmp)
  list(GET _tsrec_openmp 0 LibTorch_OPENMP)
else()
  find_package(OpenMP REQUIRED COMPONENTS CXX)
  list(GET OpenMP_CXX_LIBRARIES 0 LibTorch_OPENMP)
endif()

if(NOT TARGET LibTorch::LibTorch)
  add_library(LibTorch::LibTorch INTERFACE IMPORTED)
  # -idirafter: LibTorch ships a fmt/ of another version; after the system's own folders both fmt's work in one file.
  target_compile_options(LibTorch::LibTorch INTERFACE
    "SHELL:-idirafter ${LibTorch_DIR_FOUND}/include"
    "SHELL:-idirafter ${LibTorch_DIR_FOUND}/include/torch/csrc/api/include"
    -fopenmp)
  target_link_libraries(LibTorch::LibTorch INTERFACE
    "${LibTorch_DIR_FOUND}/lib/libtorch_cpu.so" "${LibTorch_DIR_FOUND}/lib/libc10.so" "${LibTorch_OPENMP}")
endif()
