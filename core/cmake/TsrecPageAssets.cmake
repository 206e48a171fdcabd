# The assets of the report's page become one source of the host library.
#   include(TsrecPageAssets); tsrec_page_assets(OUT FOLDER): sets OUT to the source that is made when an asset changes
#   cmake -DFOLDER=... -DSOURCE=... -P TsrecPageAssets.cmake:  makes it
function(tsrec_page_assets out folder)
  set(source ${CMAKE_BINARY_DIR}/generated/page_assets.cpp)
  file(GLOB assets CONFIGURE_DEPENDS ${folder}/*.js ${folder}/*.css ${folder}/*.html)
  set(script ${CMAKE_CURRENT_FUNCTION_LIST_FILE})
  add_custom_command(OUTPUT ${source} DEPENDS ${assets} ${script} VERBATIM COMMENT "Assets of the report's page"
    COMMAND ${CMAKE_COMMAND} -DFOLDER=${folder} -DSOURCE=${source} -P ${script})
  # Texts only: no header of LibTorch.
  set_source_files_properties(${source} PROPERTIES SKIP_PRECOMPILE_HEADERS ON SKIP_UNITY_BUILD_INCLUSION ON)
  set(${out} ${source} PARENT_SCOPE)
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  file(GLOB assets ${FOLDER}/*.js ${FOLDER}/*.css ${FOLDER}/*.html)
  list(SORT assets)
  set(text "#include \"report/page/assets.hpp\"\n\nnamespace tsrec::host {\n\n")
  string(APPEND text "const std::vector<PageAsset>& page_assets() {\n  static const std::vector<PageAsset> all = {\n")
  foreach(asset IN LISTS assets)
    cmake_path(GET asset FILENAME name)
    file(READ ${asset} bytes)
    string(FIND "${bytes}" ")tsrec_asset\"" end)
    if(NOT end EQUAL -1)
      message(FATAL_ERROR "${asset} holds the mark at which its text would end")
    endif()
    string(APPEND text "      {\"${name}\", R\"tsrec_asset(${bytes})tsrec_asset\"},\n")
  endforeach()
  string(APPEND text "  };\n  return all;\n}\n\n}  // namespace tsrec::host\n")
  file(WRITE ${SOURCE} "${text}")
endif()
