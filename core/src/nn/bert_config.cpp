// config.json of encoders of the BERT class.
#include "io/json.hpp"
#include "nn/hf_fields.hpp"
#include "tsrec/io/files.hpp"
#include "tsrec/nn/bert_encoder.hpp"

namespace tsrec::nn {
namespace {

constexpr const char* kActivation = "gelu";  // with the error function
constexpr int64_t kDistanceBuckets = 32;

// Of bert, roberta, xlm-roberta and mpnet, whose keys have the same names.
void read_sizes(const Fields& config, BertShape& shape) {
  const bool is_bert = shape.family == "bert";
  shape.vocabulary = config.whole("vocab_size", is_bert                   ? 30522
                                                : shape.family == "mpnet" ? 30527
                                                                          : 50265);
  shape.width = config.whole("hidden_size", 768);
  shape.layers = config.whole("num_hidden_layers", 12);
  shape.heads = config.whole("num_attention_heads", 12);
  shape.mlp_width = config.whole("intermediate_size", 3072);
  shape.positions = config.whole("max_position_embeddings", 512);
  shape.norm_eps = config.number("layer_norm_eps", 1e-12);
  // The padding token has a position of its own, and texts begin behind it.
  if (!is_bert) shape.first_position = config.whole("pad_token_id", 1) + 1;
  shape.has_types = shape.family != "mpnet";
  if (shape.family == "mpnet") {
    shape.distance_buckets = config.whole("relative_attention_num_buckets", kDistanceBuckets);
    if (shape.distance_buckets != kDistanceBuckets)  // transformers computes no other number
      config.refuse("relative_attention_num_buckets", c10::str("supported is ", kDistanceBuckets));
  }
  if (config.text("hidden_act", kActivation) != kActivation)
    config.refuse("hidden_act", "the only activation that is supported is gelu");
  if (config.text("position_embedding_type", "absolute") != "absolute")
    config.refuse("position_embedding_type", "supported is absolute");
  if (config.flag("is_decoder", false))
    config.refuse("is_decoder", "supported is false: every token sees all of its text");
}

void read_distilbert_sizes(const Fields& config, BertShape& shape) {
  shape.vocabulary = config.whole("vocab_size", 30522);
  shape.width = config.whole("dim", 768);
  shape.layers = config.whole("n_layers", 6);
  shape.heads = config.whole("n_heads", 12);
  shape.mlp_width = config.whole("hidden_dim", 3072);
  shape.positions = config.whole("max_position_embeddings", 512);
  shape.has_types = false;
  if (config.text("activation", kActivation) != kActivation)
    config.refuse("activation", "the only activation that is supported is gelu");
}

}  // namespace

std::optional<BertShape> read_bert_config(const std::filesystem::path& folder) {
  const std::string file = (folder / "config.json").string();
  const nlohmann::json whole = io::parse_json(io::read_text(file), file);
  if (!whole.is_object()) throw DataError("'", file, "' is malformed: expected a JSON object");
  const Fields config(whole, file);
  BertShape shape;
  shape.family = config.text("model_type", "");
  if (shape.family == "distilbert") {
    read_distilbert_sizes(config, shape);
  } else if (shape.family == "bert" || shape.family == "roberta" || shape.family == "xlm-roberta" ||
             shape.family == "mpnet") {
    read_sizes(config, shape);
  } else {
    return std::nullopt;
  }
  if (config.has("quantization_config"))
    config.refuse("quantization_config",
                  "supported are weights in float32, bfloat16 and float16; use the checkpoint that "
                  "was not quantized");
  const bool fits = shape.vocabulary > 0 && shape.width > 0 && shape.layers > 0 &&
                    shape.heads > 0 && shape.width % shape.heads == 0 && shape.mlp_width > 0 &&
                    shape.first_position >= 0 && shape.max_tokens() > 0;
  if (!fits)
    throw DataError("'", file, "' has sizes that do not fit together; the file is damaged");
  return shape;
}

}  // namespace tsrec::nn
