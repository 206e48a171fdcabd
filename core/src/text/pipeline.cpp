#include "text/pipeline.hpp"

#include "text/bpe.hpp"
#include "text/unigram.hpp"
#include "text/word_piece.hpp"

namespace tsrec::text {
namespace {

using nlohmann::json;

// Words of Qwen2 and Qwen3: like those of GPT-2, but line breaks end them and digits are alone.
constexpr const char* kQwen2Words =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
    R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";

// A step of the file, where there is one.
std::optional<Step> step_of(const json& tokenizer, const char* kind, const std::string& file) {
  const auto found = tokenizer.find(kind);
  if (found == tokenizer.end() || found->is_null()) return std::nullopt;
  return Step(*found, kind, file);
}

// Older files do not name the model's type.
std::string model_type(const Step& step) {
  if (!step.type().empty()) return step.type();
  if (step.has("merges")) return "BPE";
  if (step.has("vocab") && step.field("vocab").is_array()) return "Unigram";
  return step.has("max_input_chars_per_word") ? "WordPiece" : "";
}

std::shared_ptr<const Model> read_model(const Step& step, bool is_byte_level,
                                        const std::string& file) {
  const std::string type = model_type(step);
  if (type == "BPE") return read_bpe(step, is_byte_level, file);
  if (type != "WordPiece" && type != "Unigram") step.refuse_type("BPE, WordPiece and Unigram");
  if (is_byte_level) step.refuse("behind the pre-tokenizer ByteLevel only BPE is supported");
  if (type == "WordPiece") return std::make_shared<const WordPiece>(step, file);
  return std::make_shared<const Unigram>(step, file);
}

// Byte-level BPE, as a class writes it down.
Pipeline byte_level(const json& steps, std::shared_ptr<const Model> model) {
  Pipeline pipeline;
  if (const auto step = step_of(steps, "normalizer", "")) pipeline.normalizer = Normalizer(*step);
  pipeline.pre_tokenizer = PreTokenizer(*step_of(steps, "pre_tokenizer", ""));
  pipeline.model = std::move(model);
  pipeline.decoder = Decoder::of_bytes();
  return pipeline;
}

}  // namespace

Pipeline read_pipeline(const json& tokenizer, const std::string& file) {
  Pipeline pipeline;
  if (const auto step = step_of(tokenizer, "normalizer", file))
    pipeline.normalizer = Normalizer(*step);
  if (const auto step = step_of(tokenizer, "pre_tokenizer", file))
    pipeline.pre_tokenizer = PreTokenizer(*step);
  const bool is_byte_level = pipeline.pre_tokenizer.is_byte_level();
  const auto model = step_of(tokenizer, "model", file);
  if (!model) throw DataError(file, ": there is no model; expected the layout of a tokenizer.json");
  pipeline.model = read_model(*model, is_byte_level, file);
  if (const auto step = step_of(tokenizer, "post_processor", file))
    pipeline.around = read_post_processor(*step);
  if (const auto step = step_of(tokenizer, "decoder", file))
    pipeline.decoder = Decoder(*step, is_byte_level);
  else if (is_byte_level)
    pipeline.decoder = Decoder::of_bytes();
  return pipeline;
}

Pipeline qwen2_pipeline(std::shared_ptr<const Model> model) {
  return byte_level(
      {{"normalizer", {{"type", "NFC"}}},
       {"pre_tokenizer",
        {{"type", "Sequence"},
         {"pretokenizers",
          {{{"type", "Split"}, {"pattern", {{"Regex", kQwen2Words}}}, {"behavior", "Isolated"}},
           {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}}}}}}},
      std::move(model));
}

std::optional<Pipeline> pipeline_of_class(const std::string& name,
                                          std::shared_ptr<const Model> model) {
  if (name == "Qwen2Tokenizer" || name == "Qwen2TokenizerFast")
    return qwen2_pipeline(std::move(model));
  if (name == "GPT2Tokenizer" || name == "GPT2TokenizerFast") {
    return byte_level({{"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}}}},
                      std::move(model));
  }
  return std::nullopt;
}

}  // namespace tsrec::text
