// config.json of Hugging Face checkpoints.
#include <nlohmann/json.hpp>

#include "tsrec/io/files.hpp"
#include "tsrec/nn/causal_lm.hpp"

namespace tsrec::nn {

using nlohmann::json;

LmShape read_hf_config(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "config.json";
  try {
    const json config = json::parse(io::read_text(file));
    const std::string family = config.at("model_type").get<std::string>();
    if (family != "qwen2") {
      throw DataError("'", file.string(), "' describes a model of the kind '", family,
                      "'; only qwen2 (Qwen2, Qwen2.5) is supported");
    }
    if (config.contains("rope_scaling") && !config.at("rope_scaling").is_null()) {
      throw DataError("'", file.string(), "' asks for rope scaling (",
                      config.at("rope_scaling").dump(),
                      "), which is not supported; use a checkpoint without it");
    }
    if (config.value("hidden_act", "silu") != "silu" || config.value("use_sliding_window", false)) {
      throw DataError(
          "'", file.string(),
          "' asks for another activation than silu or for a sliding window; neither is supported");
    }
    LmShape shape;
    shape.vocabulary = config.at("vocab_size").get<int64_t>();
    shape.width = config.at("hidden_size").get<int64_t>();
    shape.layers = config.at("num_hidden_layers").get<int64_t>();
    shape.heads = config.at("num_attention_heads").get<int64_t>();
    shape.kv_heads = config.value("num_key_value_heads", shape.heads);
    shape.head_width = config.value("head_dim", shape.heads > 0 ? shape.width / shape.heads : 0);
    shape.mlp_width = config.at("intermediate_size").get<int64_t>();
    shape.rope_theta = config.value("rope_theta", 10000.0);
    shape.norm_eps = config.value("rms_norm_eps", 1e-6);
    shape.initializer_range = config.value("initializer_range", 0.02);
    shape.tied = config.value("tie_word_embeddings", false);
    const bool fits = shape.vocabulary > 0 && shape.width > 0 && shape.layers > 0 &&
                      shape.heads > 0 && shape.kv_heads > 0 && shape.heads % shape.kv_heads == 0 &&
                      shape.head_width > 0 && shape.head_width % 2 == 0 && shape.mlp_width > 0;
    if (!fits)
      throw DataError("'", file.string(),
                      "' has sizes that do not fit together; the file is damaged");
    return shape;
  } catch (const json::exception& error) {
    throw DataError("'", file.string(), "' is malformed: ", error.what());
  }
}

void write_hf_config(const LmShape& shape, int32_t eos_id, const std::filesystem::path& folder) {
  const nlohmann::ordered_json config = {{"architectures", {"Qwen2ForCausalLM"}},
                                         {"model_type", "qwen2"},
                                         {"attention_dropout", 0.0},
                                         {"bos_token_id", eos_id},
                                         {"eos_token_id", eos_id},
                                         {"head_dim", shape.head_width},
                                         {"hidden_act", "silu"},
                                         {"hidden_size", shape.width},
                                         {"initializer_range", shape.initializer_range},
                                         {"intermediate_size", shape.mlp_width},
                                         {"max_position_embeddings", 32768},
                                         {"num_attention_heads", shape.heads},
                                         {"num_hidden_layers", shape.layers},
                                         {"num_key_value_heads", shape.kv_heads},
                                         {"rms_norm_eps", shape.norm_eps},
                                         {"rope_theta", shape.rope_theta},
                                         {"tie_word_embeddings", shape.tied},
                                         {"use_cache", true},
                                         {"use_sliding_window", false},
                                         {"vocab_size", shape.vocabulary}};
  io::write_text(folder / "config.json", config.dump(2) + "\n");
}

}  // namespace tsrec::nn
