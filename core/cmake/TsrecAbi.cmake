# Writes tsrec/abi.hpp: the digest of the SDK's headers and the CUDA version of LibTorch join the facts that the compiler
# knows by itself. testing/ is no part of what crosses the boundary, comments and white space neither.
include(TsrecSdkDigest)
set(_sdk_folder ${CMAKE_SOURCE_DIR}/core/include)
file(GLOB_RECURSE _sdk_headers CONFIGURE_DEPENDS ${_sdk_folder}/tsrec/*.hpp ${_sdk_folder}/tsrec/*.in)
list(FILTER _sdk_headers EXCLUDE REGEX "/include/tsrec/testing/")
list(SORT _sdk_headers)
set_property(DIRECTORY ${CMAKE_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${_sdk_headers})
tsrec_sdk_digest(TSREC_SDK_DIGEST ${_sdk_folder} ${_sdk_headers})
configure_file(${_sdk_folder}/tsrec/abi.hpp.in ${CMAKE_BINARY_DIR}/generated/tsrec/abi.hpp @ONLY)
