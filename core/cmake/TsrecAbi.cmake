# Writes tsrec/abi.hpp: the digest of the SDK's headers and the CUDA version of LibTorch join the facts that the compiler
# knows by itself. testing/ is no part of what crosses the boundary.
file(GLOB_RECURSE _sdk_headers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/core/include/tsrec/*.hpp ${CMAKE_SOURCE_DIR}/core/include/tsrec/*.in)
list(FILTER _sdk_headers EXCLUDE REGEX "/include/tsrec/testing/")
list(SORT _sdk_headers)
set(_sdk_text "")
foreach(_header IN LISTS _sdk_headers)
  file(SHA256 ${_header} _digest)
  string(APPEND _sdk_text "${_digest}")
  set_property(DIRECTORY ${CMAKE_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${_header})
endforeach()
string(SHA256 TSREC_SDK_DIGEST "${_sdk_text}")
string(SUBSTRING "${TSREC_SDK_DIGEST}" 0 12 TSREC_SDK_DIGEST)
configure_file(${CMAKE_SOURCE_DIR}/core/include/tsrec/abi.hpp.in ${CMAKE_BINARY_DIR}/generated/tsrec/abi.hpp @ONLY)
