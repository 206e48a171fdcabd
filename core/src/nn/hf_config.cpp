// config.json of Hugging Face checkpoints.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "io/json.hpp"
#include "nn/hf_fields.hpp"
#include "tsrec/io/files.hpp"
#include "tsrec/nn/causal_lm.hpp"

namespace tsrec::nn {
namespace {

using nlohmann::json;

// What config.json calls a family, what distinguishes it, and what transformers takes a missing key
// for.
struct Family {
  const char* name;
  const char* architecture;
  bool qkv_bias, qk_norm;
  int64_t vocabulary, width, mlp_width, layers, heads;
  int64_t kv_heads, head_width;  // 0: as many as heads; width / heads
  int64_t max_positions;
  int64_t window;  // of sliding attention; 0: none
};
constexpr Family kFamilies[] = {
    {"qwen2", "Qwen2ForCausalLM", true, false, 151936, 4096, 22016, 32, 32, 32, 0, 32768, 0},
    {"qwen3", "Qwen3ForCausalLM", false, true, 151936, 4096, 22016, 32, 32, 32, 128, 32768, 0},
    {"llama", "LlamaForCausalLM", false, false, 32000, 4096, 11008, 32, 32, 0, 0, 2048, 0},
    {"mistral", "MistralForCausalLM", false, false, 32000, 4096, 14336, 32, 32, 8, 0, 131072,
     4096}};

const Family* find_family(const std::string& name) {
  for (const Family& family : kFamilies) {
    if (name == family.name) return &family;
  }
  return nullptr;
}

void refuse_what_is_not_computed(const Fields& config) {
  for (const char* key : {"hidden_act", "hidden_activation"}) {
    if (config.text(key, "silu") != "silu")
      config.refuse(key, "the only activation that is supported is silu");
  }
  // Of qwen2 the biases of q, k and v go without saying; others would add one behind the heads too.
  for (const char* bias : {"attention_bias", "mlp_bias"}) {
    if (config.flag(bias, false)) config.refuse(bias, "supported is false");
  }
  if (config.has("quantization_config"))
    config.refuse("quantization_config",
                  "supported are weights in float32, bfloat16 and float16; use the checkpoint that "
                  "was not quantized");
  for (const char* key : {"dtype", "torch_dtype"}) {
    std::string type = config.text(key, "float32");
    if (type.starts_with("torch.")) type.erase(0, 6);
    if (type != "float32" && type != "bfloat16" && type != "float16")
      config.refuse(key, "supported are float32, bfloat16 and float16");
  }
}

// Every token sees all tokens before it here. A sliding window would hide those that are further
// away than it is long.
void refuse_sliding_windows(const Fields& config, const Family& family, int64_t max_positions) {
  if (config.has("layer_types")) {
    for (const json& type : config.at("layer_types")) {
      if (type != "full_attention")
        config.refuse("layer_types", "every layer must have full_attention");
    }
    return;
  }
  if (config.flag("use_sliding_window", false))
    config.refuse("use_sliding_window",
                  "attention over a sliding window is not supported; write false if your rows are "
                  "shorter than the window, both are the same then");
  // Of families with windows a missing key means theirs; null means none.
  if (family.window == 0 || config.is_null("sliding_window")) return;
  const int64_t window = config.whole("sliding_window", family.window);
  if (window >= max_positions) return;
  throw DataError("'", config.file(), "' has sliding_window = ", window,
                  config.has("sliding_window") ? "" : " (the default of its family)",
                  ", shorter than max_position_embeddings = ", max_positions,
                  "; attention over a sliding window is not supported. Write null if your rows are "
                  "shorter than the window, both are the same then");
}

// Older files: rope_theta and rope_scaling. Newer ones: both inside rope_parameters.
void read_rope(const json& whole, const Fields& config, LmShape& shape) {
  json joined = json::object();
  for (const char* name : {"rope_scaling", "rope_parameters"}) {
    if (!config.has(name)) continue;
    if (!config.at(name).is_object()) config.refuse(name, "expected an object or null");
    joined.update(whole.at(name));
  }
  const Fields rope(joined, config.file());
  shape.rope_theta = rope.number("rope_theta", config.number("rope_theta", 10000.0));
  for (const Fields* fields : {&rope, &config}) {
    if (fields->number("partial_rotary_factor", 1) != 1)
      fields->refuse("partial_rotary_factor", "supported is 1: all of a head is rotated");
  }
  const char* const key = rope.has("rope_type") ? "rope_type" : "type";
  const std::string kind = rope.text(key, "default");
  if (kind == "default") return;
  if (kind != "linear" && kind != "llama3") {
    rope.refuse(key,
                "supported rope scalings are default, linear and llama3; use a checkpoint without "
                "it");
  }
  const auto needed = [&](const char* name) {
    if (!rope.has(name)) rope.refuse(name, "rope scaling '" + kind + "' needs a number there");
    return rope.number(name, 0);
  };
  RopeScaling& scaling = shape.rope_scaling;
  scaling.kind = kind;
  scaling.factor = needed("factor");
  if (kind == "llama3") {
    scaling.low_frequency_factor = needed("low_freq_factor");
    scaling.high_frequency_factor = needed("high_freq_factor");
    scaling.original_positions = static_cast<int64_t>(needed("original_max_position_embeddings"));
  }
  const bool fits = scaling.factor > 0 && scaling.original_positions > 0 &&
                    scaling.high_frequency_factor > scaling.low_frequency_factor;
  if (!fits)
    throw DataError("'", config.file(), "': the numbers of its rope scaling do not fit together");
}

// A number, a list of numbers, or nothing.
std::vector<int32_t> read_ids(const Fields& config, const char* key) {
  if (!config.has(key)) return {};
  const json& value = config.at(key);
  try {
    return value.is_array() ? value.get<std::vector<int32_t>>()
                            : std::vector<int32_t>{value.get<int32_t>()};
  } catch (const json::exception&) {
    config.refuse(key, "expected an id, or a list of ids");
  }
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
  const json whole = io::parse_json(io::read_text(file), file);
  if (!whole.is_object()) throw DataError("'", file, "' is malformed: expected a JSON object");
  const Fields config(whole, file);
  LmShape shape;
  shape.family = config.text("model_type", "");
  const Family* family = find_family(shape.family);
  if (family == nullptr) {
    config.refuse("model_type",
                  "supported are qwen2 (Qwen2, Qwen2.5), qwen3, llama (Llama 1 to 3, SmolLM, "
                  "TinyLlama) and mistral; as encoders of item texts also bert, roberta, "
                  "xlm-roberta, distilbert and mpnet");
  }
  refuse_what_is_not_computed(config);
  read_rope(whole, config, shape);
  shape.qkv_bias = family->qkv_bias;
  shape.qk_norm = family->qk_norm;
  shape.vocabulary = config.whole("vocab_size", family->vocabulary);
  shape.width = config.whole("hidden_size", family->width);
  shape.layers = config.whole("num_hidden_layers", family->layers);
  shape.heads = config.whole("num_attention_heads", family->heads);
  const bool as_many = config.is_null("num_key_value_heads") || family->kv_heads == 0;
  shape.kv_heads = config.whole("num_key_value_heads", as_many ? shape.heads : family->kv_heads);
  const bool is_share = config.is_null("head_dim") || family->head_width == 0;
  const int64_t share = shape.heads > 0 ? shape.width / shape.heads : 0;
  shape.head_width = config.whole("head_dim", is_share ? share : family->head_width);
  shape.mlp_width = config.whole("intermediate_size", family->mlp_width);
  shape.norm_eps = config.number("rms_norm_eps", 1e-6);
  shape.initializer_range = config.number("initializer_range", 0.02);
  shape.max_positions = config.whole("max_position_embeddings", family->max_positions);
  refuse_sliding_windows(config, *family, shape.max_positions);
  shape.tied = config.flag("tie_word_embeddings", false);
  const std::vector<int32_t> bos = read_ids(config, "bos_token_id");
  if (!bos.empty()) shape.bos_id = bos.front();
  shape.eos_ids = read_ids(config, "eos_token_id");
  const bool fits = shape.vocabulary > 0 && shape.width > 0 && shape.layers > 0 &&
                    shape.heads > 0 && shape.kv_heads > 0 && shape.heads % shape.kv_heads == 0 &&
                    shape.head_width > 0 && shape.head_width % 2 == 0 && shape.mlp_width > 0;
  if (!fits)
    throw DataError("'", file, "' has sizes that do not fit together; the file is damaged");
  return shape;
}

void write_hf_config(const LmShape& shape, int32_t eos_id, const std::filesystem::path& folder) {
  const Family* family = find_family(shape.family);
  if (family == nullptr) throw Error("there is no model family '", shape.family, "'");
  std::vector<int32_t> eos_ids = shape.eos_ids;
  if (std::find(eos_ids.begin(), eos_ids.end(), eos_id) == eos_ids.end()) eos_ids.push_back(eos_id);
  nlohmann::ordered_json config = {{"architectures", {family->architecture}},
                                   {"model_type", family->name},
                                   {"attention_dropout", 0.0},
                                   {"bos_token_id", nullptr},
                                   {"eos_token_id", eos_ids},
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
  if (shape.bos_id) config["bos_token_id"] = *shape.bos_id;
  if (eos_ids.size() == 1) config["eos_token_id"] = eos_ids.front();
  if (!shape.rope_scaling.kind.empty())
    config["rope_scaling"] = rope_scaling_json(shape.rope_scaling);
  if (shape.family == "llama") {
    config["mlp_bias"] = false;
  } else if (family->window > 0) {
    config["sliding_window"] = nullptr;
  } else {
    config["use_sliding_window"] = false;
  }
  if (!shape.qkv_bias && family->window == 0) config["attention_bias"] = false;
  io::write_text(folder / "config.json", config.dump(2) + "\n");
}

}  // namespace tsrec::nn
