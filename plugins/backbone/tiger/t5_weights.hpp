// The weights of a T5. Queries, keys and values of one input are one matrix in memory, and three on
// disk, under the names of Hugging Face.
#pragma once

#include <filesystem>
#include <functional>

#include "t5_shape.hpp"
#include "tsrec/torch.hpp"

namespace tsrec::tiger {

struct SelfAttention {
  torch::Tensor norm_D, qkv_OD, out_DI;  // O = 3 I, I = heads x head width
};
struct CrossAttention {
  torch::Tensor norm_D, q_ID, kv_OD, out_DI;  // O = 2 I
};
struct FeedForward {
  torch::Tensor norm_D, in_FD, out_DF;
};
struct EncoderLayer {
  SelfAttention self;
  FeedForward mlp;
};
struct DecoderLayer {
  SelfAttention self;
  CrossAttention cross;
  FeedForward mlp;
};

// One matrix of the file, as rows of one in memory.
struct Share {
  const char* name;
  int64_t rows;
  double deviation;  // of its initial values
};

struct T5Weights {
  torch::Tensor embedding_VD, head_VD;  // no head where it is tied
  torch::Tensor encoder_bias_BH, decoder_bias_BH, encoder_norm_D, decoder_norm_D;
  std::vector<EncoderLayer> encoder;
  std::vector<DecoderLayer> decoder;

  // What is known of a weight without its values. `name` is that of Hugging Face where it has one
  // share, which is then unnamed; else the shares' names stand for "{}" in it.
  struct Entry {
    std::string name;
    torch::Tensor& value;
    std::vector<Share> shares;
    int64_t columns;  // 0: a vector
    bool decays;
  };
  // Every weight once, in a fixed order; makes as many layers as the shape has.
  void visit(const T5Shape& shape, const std::function<void(const Entry&)>& see);
};

// One name for memory: "...{}.weight" with shares q, k, v becomes "...qkv.weight".
std::string name_in_memory(const T5Weights::Entry& entry);
// The name of one of its shares on disk.
std::string name_on_disk(const T5Weights::Entry& entry, const Share& share);

T5Shape read_config(const std::filesystem::path& folder);
void write_config(const T5Shape& shape, int32_t eos_id, const std::filesystem::path& folder);

}  // namespace tsrec::tiger
