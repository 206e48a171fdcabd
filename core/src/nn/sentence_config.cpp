// Folders of sentence-transformers, as its versions 1 to 6 write them.
#include "tsrec/nn/sentence_config.hpp"

#include "io/json.hpp"
#include "nn/hf_fields.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::nn {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// Calls read(fields) with the object in the file, if it is there.
template <class Read>
void read_object(const fs::path& path, const Read& read) {
  if (!fs::exists(path)) return;
  const std::string file = path.string();
  const json whole = io::parse_json(io::read_text(path), file);
  if (!whole.is_object()) throw DataError("'", file, "' is malformed: expected a JSON object");
  read(Fields(whole, file));
}

constexpr const char* kPoolings = "supported are mean, cls and lasttoken, one of them";

// Older files have a flag for every way, newer ones the name of the way.
void read_pooling(const fs::path& folder, SentenceConfig& config) {
  read_object(folder / "config.json", [&](const Fields& fields) {
    config.pools_prompt = fields.flag("include_prompt", true);
    if (fields.has("pooling_mode")) {
      const std::string mode = fields.at("pooling_mode").is_string()
                                   ? fields.text("pooling_mode", "")
                                   : "";  // a list joins several
      if (mode == "mean")
        config.pooling = Pooling::mean;
      else if (mode == "cls")
        config.pooling = Pooling::cls;
      else if (mode == "lasttoken")
        config.pooling = Pooling::last;
      else
        fields.refuse("pooling_mode", kPoolings);
      return;
    }
    constexpr std::array<std::pair<const char*, Pooling>, 3> known = {
        {{"pooling_mode_mean_tokens", Pooling::mean},
         {"pooling_mode_cls_token", Pooling::cls},
         {"pooling_mode_lasttoken", Pooling::last}}};
    for (const char* other : {"pooling_mode_max_tokens", "pooling_mode_mean_sqrt_len_tokens",
                              "pooling_mode_weightedmean_tokens"}) {
      if (fields.flag(other, false)) fields.refuse(other, kPoolings);
    }
    bool is_given = false;
    for (const auto& [key, pooling] : known) {
      if (!fields.flag(key, false)) continue;
      if (is_given) fields.refuse(key, kPoolings);
      config.pooling = pooling;
      is_given = true;
    }
  });
}

// "sentence_transformers.models.Pooling", or a longer path in newer versions.
std::string class_of(const std::string& type) { return type.substr(type.rfind('.') + 1); }

void read_modules(const fs::path& folder, SentenceConfig& config) {
  const fs::path path = folder / "modules.json";
  if (!fs::exists(path)) return;
  const std::string file = path.string();
  const json modules = io::parse_json(io::read_text(path), file);
  const auto malformed = [&]() -> DataError {
    return DataError("'" + file +
                     "' is malformed: expected a list of modules, the first of them a "
                     "Transformer");
  };
  if (!modules.is_array() || modules.empty()) throw malformed();
  for (size_t i = 0; i < modules.size(); ++i) {
    if (!modules[i].is_object()) throw malformed();
    const Fields module(modules[i], file);
    const std::string kind = class_of(module.text("type", ""));
    const fs::path place = folder / module.text("path", "");
    if (i == 0) {
      if (kind != "Transformer") module.refuse("type", "supported as the first is Transformer");
      config.model = place;
    } else if (kind == "Pooling" && !config.normalizes) {
      read_pooling(place, config);
    } else if (kind == "Normalize") {
      config.normalizes = true;
    } else if (kind != "Dropout") {
      module.refuse("type",
                    "supported behind the Transformer are Pooling, Dropout and Normalize in this "
                    "order");
    }
  }
}

void read_limits(const fs::path& model, SentenceConfig& config) {
  for (const char* name :
       {"bert", "roberta", "distilbert", "xlm-roberta", "camembert", "albert", "xlnet"}) {
    read_object(model / c10::str("sentence_", name, "_config.json"), [&](const Fields& fields) {
      config.max_tokens = fields.whole("max_seq_length", config.max_tokens);
      config.lowers_case = fields.flag("do_lower_case", config.lowers_case);
    });
  }
  if (config.max_tokens > 0) return;
  read_object(model / "tokenizer_config.json", [&](const Fields& fields) {
    constexpr double kNoLimit = 1e9;  // transformers writes 1e30 where there is none
    const double limit = fields.number("model_max_length", kNoLimit);
    if (limit > 0 && limit < kNoLimit) config.max_tokens = static_cast<int64_t>(limit);
  });
}

void read_prompt(const fs::path& folder, SentenceConfig& config) {
  read_object(folder / "config_sentence_transformers.json", [&](const Fields& fields) {
    const std::string name = fields.text("default_prompt_name", "");
    if (name.empty()) return;
    const bool is_there = fields.has("prompts") && fields.at("prompts").is_object() &&
                          fields.at("prompts").contains(name) &&
                          fields.at("prompts").at(name).is_string();
    if (!is_there)
      fields.refuse("default_prompt_name", "expected the name of one of the texts in prompts");
    config.prompt = fields.at("prompts").at(name).get<std::string>();
  });
}

}  // namespace

SentenceConfig read_sentence_config(const std::filesystem::path& folder) {
  SentenceConfig config;
  config.model = folder;
  read_modules(folder, config);
  read_limits(config.model, config);
  read_prompt(folder, config);
  return config;
}

}  // namespace tsrec::nn
