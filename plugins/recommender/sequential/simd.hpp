// The instruction set of a kernel is chosen when the plugin is loaded.
#pragma once

#define SEQUENTIAL_SIMD \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
