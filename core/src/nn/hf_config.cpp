// config.json of Hugging Face checkpoints.
#include <nlohmann/json.hpp>

#include "tsrec/io/files.hpp"
#include "tsrec/nn/causal_lm.hpp"

namespace tsrec::nn {
namespace {

using nlohmann::json;

// What config.json calls a family, and what distinguishes it.
struct Family {
  const char* name;
  const char* architecture;
  bool qkv_bias, qk_norm;
};
constexpr Family kFamilies[] = {{"qwen2", "Qwen2ForCausalLM", true, false},
                                {"qwen3", "Qwen3ForCausalLM", false, true},
                                {"llama", "LlamaForCausalLM", false, false}};

const Family* find_family(const std::string& name) {
  for (const Family& family : kFamilies) {
    if (name == family.name) return &family;
  }
  return nullptr;
}

void refuse_what_is_not_computed(const json& config, const std::string& file) {
  if (config.value("hidden_act", "silu") != "silu" || config.value("use_sliding_window", false)) {
    throw DataError(
        "'", file,
        "' asks for another activation than silu or for a sliding window; neither is supported");
  }
  // Of qwen2 the biases of q, k and v go without saying; others would add one behind the heads too.
  for (const char* bias : {"attention_bias", "mlp_bias"}) {
    if (config.value(bias, false))
      throw DataError("'", file, "' has ", bias, " = true, which is not supported");
  }
}

// Older files: rope_theta and rope_scaling. Newer ones: both inside rope_parameters.
void read_rope(const json& config, const std::string& file, LmShape& shape) {
  json rope = json::object();
  for (const char* name : {"rope_scaling", "rope_parameters"}) {
    if (config.contains(name) && config.at(name).is_object()) rope.update(config.at(name));
  }
  shape.rope_theta = rope.value("rope_theta", config.value("rope_theta", 10000.0));
  const std::string kind = rope.value("rope_type", rope.value("type", "default"));
  if (kind == "default") return;
  if (kind != "linear" && kind != "llama3") {
    throw DataError("'", file, "' asks for the rope scaling '", kind,
                    "'; supported are linear and llama3; use a checkpoint without it");
  }
  RopeScaling& scaling = shape.rope_scaling;
  scaling.kind = kind;
  scaling.factor = rope.at("factor").get<double>();
  if (kind == "llama3") {
    scaling.low_frequency_factor = rope.at("low_freq_factor").get<double>();
    scaling.high_frequency_factor = rope.at("high_freq_factor").get<double>();
    scaling.original_positions = rope.at("original_max_position_embeddings").get<int64_t>();
  }
  const bool fits = scaling.factor > 0 && scaling.original_positions > 0 &&
                    scaling.high_frequency_factor > scaling.low_frequency_factor;
  if (!fits) throw DataError("'", file, "': the numbers of its rope scaling do not fit together");
}

json rope_scaling_json(const RopeScaling& scaling) {
  if (scaling.kind.empty()) return nullptr;
  json rope = {{"rope_type", scaling.kind}, {"factor", scaling.factor}};
  if (scaling.kind == "llama3") {
    rope["low_freq_factor"] = scaling.low_frequency_factor;
    rope["high_freq_factor"] = scaling.high_frequency_factor;
    rope["original_max_position_embeddings"] = scaling.original_positions;
  }
  return rope;
}

}  // namespace

LmShape read_hf_config(const std::filesystem::path& folder) {
  const std::string file = (folder / "config.json").string();
  try {
    const json config = json::parse(io::read_text(file));
    LmShape shape;
    shape.family = config.at("model_type").get<std::string>();
    const Family* family = find_family(shape.family);
    if (family == nullptr) {
      throw DataError("'", file, "' describes a model of the kind '", shape.family,
                      "'; supported are qwen2 (Qwen2, Qwen2.5), qwen3 and llama");
    }
    refuse_what_is_not_computed(config, file);
    read_rope(config, file, shape);
    shape.qkv_bias = family->qkv_bias;
    shape.qk_norm = family->qk_norm;
    shape.vocabulary = config.at("vocab_size").get<int64_t>();
    shape.width = config.at("hidden_size").get<int64_t>();
    shape.layers = config.at("num_hidden_layers").get<int64_t>();
    shape.heads = config.at("num_attention_heads").get<int64_t>();
    shape.kv_heads = config.value("num_key_value_heads", shape.heads);
    shape.head_width = shape.heads > 0 ? shape.width / shape.heads : 0;
    if (config.contains("head_dim") && config.at("head_dim").is_number())
      shape.head_width = config.at("head_dim").get<int64_t>();
    shape.mlp_width = config.at("intermediate_size").get<int64_t>();
    shape.norm_eps = config.value("rms_norm_eps", 1e-6);
    shape.initializer_range = config.value("initializer_range", 0.02);
    shape.max_positions = config.value("max_position_embeddings", shape.max_positions);
    shape.tied = config.value("tie_word_embeddings", false);
    const bool fits = shape.vocabulary > 0 && shape.width > 0 && shape.layers > 0 &&
                      shape.heads > 0 && shape.kv_heads > 0 && shape.heads % shape.kv_heads == 0 &&
                      shape.head_width > 0 && shape.head_width % 2 == 0 && shape.mlp_width > 0;
    if (!fits)
      throw DataError("'", file, "' has sizes that do not fit together; the file is damaged");
    return shape;
  } catch (const json::exception& error) {
    throw DataError("'", file, "' is malformed: ", error.what());
  }
}

void write_hf_config(const LmShape& shape, int32_t eos_id, const std::filesystem::path& folder) {
  const Family* family = find_family(shape.family);
  if (family == nullptr) throw Error("there is no model family '", shape.family, "'");
  nlohmann::ordered_json config = {{"architectures", {family->architecture}},
                                   {"model_type", family->name},
                                   {"attention_dropout", 0.0},
                                   {"bos_token_id", eos_id},
                                   {"eos_token_id", eos_id},
                                   {"head_dim", shape.head_width},
                                   {"hidden_act", "silu"},
                                   {"hidden_size", shape.width},
                                   {"initializer_range", shape.initializer_range},
                                   {"intermediate_size", shape.mlp_width},
                                   {"max_position_embeddings", shape.max_positions},
                                   {"num_attention_heads", shape.heads},
                                   {"num_hidden_layers", shape.layers},
                                   {"num_key_value_heads", shape.kv_heads},
                                   {"rms_norm_eps", shape.norm_eps},
                                   {"rope_theta", shape.rope_theta},
                                   {"tie_word_embeddings", shape.tied},
                                   {"use_cache", true},
                                   {"vocab_size", shape.vocabulary}};
  if (!shape.rope_scaling.kind.empty())
    config["rope_scaling"] = rope_scaling_json(shape.rope_scaling);
  if (shape.family == "llama") {
    config["mlp_bias"] = false;
  } else {
    config["use_sliding_window"] = false;
  }
  if (!shape.qkv_bias) config["attention_bias"] = false;
  io::write_text(folder / "config.json", config.dump(2) + "\n");
}

}  // namespace tsrec::nn
