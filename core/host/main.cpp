#include "commands/commands.hpp"

int main(int argc, char** argv) { return tsrec::host::main_with(argc, argv); }
