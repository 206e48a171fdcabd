#include <cstdlib>

#include "commands/commands.hpp"

int main(int argc, char** argv) {
  // LibTorch asks for huge pages for large tensors only where this is set; a fifth of a small
  // model's step can go into page faults otherwise.
  ::setenv("THP_MEM_ALLOC_ENABLE", "1", /*overwrite=*/0);
  return tsrec::host::main_with(argc, argv);
}
