# What the SDK's digest sees of a header: declarations and literals, no comment and no white space.
#
#   cmake -DFOLDER=core/cmake -P tests/sdk/digest.cmake
include(${FOLDER}/TsrecSdkDigest.cmake)

function(expect_text header wanted)
  tsrec_sdk_text("${header}" text)
  if(NOT text STREQUAL wanted)
    message(SEND_ERROR "of\n${header}\nthe digest sees\n${text}\nand should see\n${wanted}")
  endif()
endfunction()

function(expect_same one other)
  tsrec_sdk_text("${one}" one_text)
  tsrec_sdk_text("${other}" other_text)
  if(NOT one_text STREQUAL other_text)
    message(SEND_ERROR "these should be the same:\n${one}\n---\n${other}\nbut are\n${one_text}\n---\n${other_text}")
  endif()
endfunction()

function(expect_other one other)
  tsrec_sdk_text("${one}" one_text)
  tsrec_sdk_text("${other}" other_text)
  if(one_text STREQUAL other_text)
    message(SEND_ERROR "these should differ:\n${one}\n---\n${other}\nbut both are\n${one_text}")
  endif()
endfunction()

set(plain "struct Row {\n  std::vector<int32_t> prompt, target;  // token ids\n  double weight = 1;\n};\n")

# Comments and white space.
expect_text("${plain}" "struct Row{std::vector<int32_t>prompt,target;double weight=1;};")
expect_same("${plain}" "// Rows.\n\nstruct Row\n{\n\tstd::vector<int32_t> prompt,\r\n      target; /* ids, \"as\" in\n * a vocabulary */\n  double weight=1;};")
expect_same("int f(int a, int b);" "int f( // it's \"odd\"\n    int a,\n    int b);")
expect_same("int a;" "int a; // http://example.org /* not closed\n")
expect_same("int a; int b;" "int a; /* \" */ int b; /* ' **/")

# Declarations.
expect_other("${plain}" "struct Row {\n  std::vector<int64_t> prompt, target;  // token ids\n  double weight = 1;\n};\n")
expect_other("virtual void pack() {}" "virtual void pack() const {}")
expect_other("int a; int b;" "int b; int a;")
expect_other("unsigned int a;" "unsignedint a;")
expect_other("int a = 1000;" "int a = 1001;")
expect_other("int a; // int b;" "int a; int b;")

# Literals, and what looks like one thing inside of another.
expect_other("f(\"a  b\")" "f(\"a b\")")
expect_other("f(\"// a\")" "f(\"// b\")")
expect_other("f(\"/*\", x, \"*/\")" "f(\"/*\", y, \"*/\")")
expect_other("f(\"\\\" // a\")" "f(\"\\\" // b\")")
expect_other("f(' ')" "f('\t')")
expect_other("f('\"', a, '\"')" "f('\"', b, '\"')")
expect_text("f( \"[;\" , ';' ) ; // end" "f(\"[;\",';');")
expect_same("int a = 1'000; // it's one" "int a = 1'000; // it is one")
expect_other("int a = 1'000, b = 2'000;" "int a = 1'000, c = 2'000;")

# Preprocessor lines.
expect_other("#define A (x)" "#define A(x)")
expect_other("#define A\nB" "#define A B")
expect_same("#define A  \\\n   x\nint a;" "#define A x  // short\n\n  int a;")
expect_same("#if 1\nint a;\n#endif" "  #if 1 // always\n  int   a;\n  #endif\n")

# Files: names count, order does not depend on contents.
set(work ${CMAKE_CURRENT_BINARY_DIR}/sdk-digest-test)
file(WRITE ${work}/a.hpp "int a;\n")
file(WRITE ${work}/b.hpp "int b;\n")
tsrec_sdk_digest(before ${work} ${work}/a.hpp ${work}/b.hpp)
file(WRITE ${work}/a.hpp "int a;  // explained\n")
tsrec_sdk_digest(commented ${work} ${work}/a.hpp ${work}/b.hpp)
file(WRITE ${work}/a.hpp "long a;\n")
tsrec_sdk_digest(changed ${work} ${work}/a.hpp ${work}/b.hpp)
file(WRITE ${work}/a.hpp "int b;\n")
file(WRITE ${work}/b.hpp "int a;\n")
tsrec_sdk_digest(swapped ${work} ${work}/a.hpp ${work}/b.hpp)
file(REMOVE_RECURSE ${work})
if(NOT before MATCHES "^[0-9a-f]+$" OR NOT before STREQUAL commented)
  message(SEND_ERROR "a comment changes the digest: ${before}, ${commented}")
endif()
if(before STREQUAL changed OR before STREQUAL swapped)
  message(SEND_ERROR "a declaration or a name changes nothing: ${before}, ${changed}, ${swapped}")
endif()
