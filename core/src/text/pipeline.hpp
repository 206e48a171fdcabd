// What happens to a text on its way to ids and back: the steps of a tokenizer.json.
#pragma once

#include <memory>
#include <optional>

#include "text/decoder.hpp"
#include "text/model.hpp"
#include "text/normalizer.hpp"
#include "text/post_processor.hpp"
#include "text/pre_tokenizer.hpp"

namespace tsrec::text {

struct Pipeline {
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  std::shared_ptr<const Model> model;
  Surround around;
  Decoder decoder;
};

// Throws DataError: a step that is not computed here, by its name.
Pipeline read_pipeline(const nlohmann::json& tokenizer, const std::string& file);

// The tokenizers that a class of transformers means by vocab.json and merges.txt alone; none for
// other classes.
std::optional<Pipeline> pipeline_of_class(const std::string& name,
                                          std::shared_ptr<const Model> model);
// Qwen2Tokenizer's, which those that are trained here have.
Pipeline qwen2_pipeline(std::shared_ptr<const Model> model);

}  // namespace tsrec::text
