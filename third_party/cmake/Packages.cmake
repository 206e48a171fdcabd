# Everything tsrec is built from; third_party/README.md says what each is for.
find_package(LibTorch REQUIRED MODULE)
find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(spdlog REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(cxxopts REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
find_package(Threads REQUIRED)

# Boost.DLL is headers only when it may use std::filesystem.
find_path(BOOST_DLL_INCLUDE boost/dll/shared_library.hpp REQUIRED)
add_library(Boost::DLL INTERFACE IMPORTED)
target_include_directories(Boost::DLL SYSTEM INTERFACE ${BOOST_DLL_INCLUDE})
target_compile_definitions(Boost::DLL INTERFACE BOOST_DLL_USE_STD_FS)
target_link_libraries(Boost::DLL INTERFACE ${CMAKE_DL_LIBS})
