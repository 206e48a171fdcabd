// config.json of a T5, as Hugging Face has it.
#include <nlohmann/json.hpp>

#include "t5_weights.hpp"
#include "tsrec/error.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::tiger {
namespace {

using nlohmann::json;

class Config {
 public:
  explicit Config(const std::filesystem::path& file) : file_(file.string()) {
    try {
      table_ = json::parse(io::read_text(file));
    } catch (const json::exception& error) {
      throw DataError("'", file_, "' is no JSON: ", error.what());
    }
    if (!table_.is_object()) throw DataError("'", file_, "' is malformed: expected a JSON object");
  }

  // Null and a missing key mean the default.
  template <class T>
  T get(const char* key, const T& otherwise) const {
    const auto found = table_.find(key);
    if (found == table_.end() || found->is_null()) return otherwise;
    try {
      return found->get<T>();
    } catch (const json::exception&) {
      throw DataError("'", file_, "' has ", key, " = ", found->dump(), "; expected a value like ",
                      json(otherwise).dump());
    }
  }

  template <class T>
  void demand(const char* key, const T& wanted, const T& otherwise) const {
    if (get(key, otherwise) == wanted) return;
    throw DataError("'", file_, "' has ", key, " = ", json(get(key, otherwise)).dump(),
                    "; this backbone computes the T5 with ", json(wanted).dump(), " only");
  }

 private:
  std::string file_;
  json table_;
};

}  // namespace

T5Shape read_config(const std::filesystem::path& folder) {
  const Config config(folder / "config.json");
  config.demand<std::string>("model_type", "t5", "");
  config.demand<std::string>("feed_forward_proj", "relu", "relu");
  T5Shape s;
  s.vocabulary = config.get<int64_t>("vocab_size", 32128);
  s.width = config.get<int64_t>("d_model", 512);
  s.layers = config.get<int64_t>("num_layers", 6);
  config.demand<int64_t>("num_decoder_layers", s.layers, s.layers);
  s.heads = config.get<int64_t>("num_heads", 8);
  s.head_width = config.get<int64_t>("d_kv", 64);
  s.mlp_width = config.get<int64_t>("d_ff", 2048);
  s.buckets = config.get<int64_t>("relative_attention_num_buckets", 32);
  s.max_distance = config.get<int64_t>("relative_attention_max_distance", 128);
  s.norm_eps = config.get<double>("layer_norm_epsilon", 1e-6);
  s.dropout = config.get<double>("dropout_rate", 0.1);
  s.tied = config.get<bool>("tie_word_embeddings", true);
  config.demand<bool>("scale_decoder_outputs", s.tied, s.tied);
  s.start_id = config.get<int32_t>("decoder_start_token_id", 0);
  const bool fits = s.vocabulary > 0 && s.width > 0 && s.layers > 0 && s.heads > 0 &&
                    s.head_width > 0 && s.mlp_width > 0 && s.buckets >= 4 && s.buckets % 2 == 0 &&
                    s.max_distance > s.buckets / 2 && s.norm_eps > 0 && s.dropout >= 0 &&
                    s.dropout < 1 && s.start_id >= 0 && s.start_id < s.vocabulary;
  if (!fits)
    throw DataError("'", (folder / "config.json").string(),
                    "' has sizes that do not fit together; the file is damaged");
  return s;
}

void write_config(const T5Shape& s, int32_t eos_id, const std::filesystem::path& folder) {
  const nlohmann::ordered_json config = {{"architectures", {"T5ForConditionalGeneration"}},
                                         {"model_type", "t5"},
                                         {"is_encoder_decoder", true},
                                         {"vocab_size", s.vocabulary},
                                         {"d_model", s.width},
                                         {"d_kv", s.head_width},
                                         {"d_ff", s.mlp_width},
                                         {"num_layers", s.layers},
                                         {"num_decoder_layers", s.layers},
                                         {"num_heads", s.heads},
                                         {"relative_attention_num_buckets", s.buckets},
                                         {"relative_attention_max_distance", s.max_distance},
                                         {"feed_forward_proj", "relu"},
                                         {"layer_norm_epsilon", s.norm_eps},
                                         {"dropout_rate", s.dropout},
                                         {"initializer_factor", 1.0},
                                         {"tie_word_embeddings", s.tied},
                                         {"scale_decoder_outputs", s.tied},
                                         {"decoder_start_token_id", s.start_id},
                                         {"pad_token_id", s.start_id},
                                         {"eos_token_id", eos_id}};
  io::write_text(folder / "config.json", config.dump(2) + "\n");
}

}  // namespace tsrec::tiger
