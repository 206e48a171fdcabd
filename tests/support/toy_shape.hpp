// The sizes of small decoders in tests.
#pragma once

#include "tsrec/nn/causal_lm.hpp"

namespace tsrec::test {

// Two layers of four query and two key heads, which share the width out.
inline nn::LmShape toy_shape(int64_t vocabulary, int64_t width, int64_t mlp_width,
                             double initializer_range = 0.3) {
  nn::LmShape shape;
  shape.vocabulary = vocabulary;
  shape.width = width;
  shape.layers = 2;
  shape.heads = 4;
  shape.kv_heads = 2;
  shape.head_width = width / shape.heads;
  shape.mlp_width = mlp_width;
  shape.initializer_range = initializer_range;
  return shape;
}

}  // namespace tsrec::test
