# Warnings and quicker clean builds for the targets of this tree.
include(TsrecAbi)
include(TsrecPlugin)

function(tsrec_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wno-sign-conversion)
endfunction()

# Every file that sees LibTorch's headers pays five seconds for their templates, precompiled or not: a few files at once
# pay them once. -DTSREC_UNITY=OFF compiles each file for itself, which is quicker when one file changes.
# tsrec_few_units(target [files of a unit])
function(tsrec_few_units target)
  set(files 4)
  if(ARGC GREATER 1)
    set(files ${ARGV1})
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${TSREC_UNITY} UNITY_BUILD_BATCH_SIZE ${files})
  if(TSREC_UNITY)  # g++ takes the files of a unit for headers, where a type of an anonymous namespace would be a slip
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  endif()
endfunction()
