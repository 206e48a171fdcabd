// What of a decoder a training keeps, tensor by tensor.
#include <algorithm>

#include "tsrec/nn/causal_lm.hpp"

namespace tsrec::nn {
namespace {

// Whether adapters read what one of these matrices reads.
bool adapts(const Lora& lora, std::initializer_list<const char*> matrices) {
  return std::any_of(matrices.begin(), matrices.end(), [&](const char* matrix) {
    return std::find(lora.targets.begin(), lora.targets.end(), matrix) != lora.targets.end();
  });
}

// Numbers of the model's precision, and float32 ones, that a block keeps for one token.
struct Kept {
  int64_t numbers = 0, float32 = 0;
  double bytes(int64_t bytes_each) const {
    return static_cast<double>(numbers * bytes_each + 4 * float32);
  }
};

// Until backward: causal_lm.cpp's block(), from top to bottom. What norms and SwiGLU give is
// computed again.
Kept kept_by_block(const LmShape& s) {
  const int64_t query = s.heads * s.head_width, key = s.kv_heads * s.head_width;
  Kept kept{.numbers = 2 * s.width         // the stream, before each norm
                       + query + 2 * key   // q, k, v
                       + query             // what attention gives
                       + 2 * s.mlp_width,  // gate and up
            .float32 = 2 + s.heads};       // scales of the norms, sums of the softmax
  if (s.qk_norm) {
    kept.numbers += query + key;  // heads before their norms
    kept.float32 += s.heads + s.kv_heads;
  }
  return kept;
}

// What adapters of the block add to it.
Kept kept_by_adapters(const LmShape& s, const Lora& lora) {
  Kept kept{.numbers = lora.rank * static_cast<int64_t>(lora.targets.size())};
  if (lora.dropout == 0) return kept;
  int64_t inputs = 0;
  if (adapts(lora, {"q_proj", "k_proj", "v_proj"})) inputs += s.width;
  if (adapts(lora, {"o_proj"})) inputs += s.heads * s.head_width;
  if (adapts(lora, {"gate_proj", "up_proj"})) inputs += s.width;
  if (adapts(lora, {"down_proj"})) inputs += s.mlp_width;
  kept.numbers += inputs;  // what is left of them
  return kept;
}

struct Numbers {
  int64_t body = 0, vocabulary = 0;
};

Numbers weights_of(const LmShape& s) {
  const int64_t query = s.heads * s.head_width, key = s.kv_heads * s.head_width;
  const int64_t block = s.width * (query + 2 * key) + (s.qkv_bias ? query + 2 * key : 0) +
                        (s.qk_norm ? 2 * s.head_width : 0) + query * s.width +
                        3 * s.width * s.mlp_width + 2 * s.width;
  return {s.layers * block + s.width, (s.tied ? 1 : 2) * s.vocabulary * s.width};
}

int64_t adapter_numbers(const LmShape& s, const Lora& lora) {
  const int64_t query = s.heads * s.head_width, key = s.kv_heads * s.head_width;
  const std::map<std::string, int64_t> sides = {{"q_proj", s.width + query},
                                                {"k_proj", s.width + key},
                                                {"v_proj", s.width + key},
                                                {"o_proj", query + s.width},
                                                {"gate_proj", s.width + s.mlp_width},
                                                {"up_proj", s.width + s.mlp_width},
                                                {"down_proj", s.mlp_width + s.width}};
  int64_t numbers = 0;
  for (const std::string& target : lora.targets) numbers += sides.at(target);
  return s.layers * lora.rank * numbers;
}

}  // namespace

ModelMemory model_memory(const LmShape& shape, torch::ScalarType precision,
                         const std::optional<Lora>& lora, int64_t new_rows) {
  ModelMemory memory;
  memory.bytes_each = static_cast<int64_t>(c10::elementSize(precision));
  const Numbers all = weights_of(shape);
  const int64_t of_new_rows = (shape.tied ? 1 : 2) * new_rows * shape.width;
  memory.learning = lora ? adapter_numbers(shape, *lora) + of_new_rows : all.body + all.vocabulary;
  memory.frozen = lora ? (all.body + all.vocabulary - of_new_rows) * memory.bytes_each : 0;
  memory.head_gradient = (lora ? new_rows : shape.vocabulary) * shape.width * memory.bytes_each;
  const double block = kept_by_block(shape).bytes(memory.bytes_each) +
                       (lora ? kept_by_adapters(shape, *lora).bytes(memory.bytes_each) : 0);
  const auto width = static_cast<double>(memory.bytes_each * shape.width);
  const auto layers = static_cast<double>(shape.layers);
  memory.kept_per_token = layers * block + 2 * width;
  memory.working_per_token = block;
  memory.kept_per_token_checkpointed = (layers + 2) * width;
  memory.working_per_token_checkpointed = 2 * block;
  memory.state_per_token =
      layers * 2 * static_cast<double>(memory.bytes_each * shape.kv_heads * shape.head_width);
  return memory;
}

}  // namespace tsrec::nn
