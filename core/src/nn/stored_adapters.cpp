#include "nn/stored_adapters.hpp"

#include "io/json.hpp"
#include "tsrec/io/files.hpp"
#include "tsrec/nn/adapter_files.hpp"

namespace tsrec::nn {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFacts = "adapters.json";
constexpr const char* kTensors = "adapters.safetensors";

// What adapter folders for others hold besides: tokenizer and whatever else lies there.
bool is_of_the_model(const fs::path& file) {
  const std::string name = file.filename().string();
  return name == kFacts || name == kTensors || name == "config.json" ||
         name.starts_with("model.safetensors");
}

void copy_the_rest(const fs::path& from, const fs::path& to) {
  fs::create_directories(to);
  for (const auto& entry : fs::directory_iterator(from)) {
    if (!is_of_the_model(entry.path()))
      fs::copy(entry.path(), to / entry.path().filename(), fs::copy_options::recursive);
  }
}

StoredAdapters needed_adapters(const fs::path& folder) {
  std::optional<StoredAdapters> adapters = read_adapters(folder);
  if (!adapters)
    throw DataError("the model in '", folder.string(),
                    "' has no adapters; train it with  lora = { rank = 8 }  of the backbone");
  return *std::move(adapters);
}

// 16, not 16.0, where it is whole: `peft` takes both, people read the first.
nlohmann::ordered_json number_of(double value) {
  const auto whole = static_cast<int64_t>(value);
  if (static_cast<double>(whole) == value) return whole;
  return value;
}

}  // namespace

const torch::Tensor& StoredAdapters::tensor(const std::string& name, at::IntArrayRef sizes) const {
  const auto found = tensors.find(name);
  if (found == tensors.end() || found->second.sizes() != sizes)
    throw DataError("the adapters in '", folder.string(), "' lack '", name, "' of the shape ",
                    sizes, "; the folder is damaged");
  return found->second;
}

std::optional<StoredAdapters> read_adapters(const fs::path& folder) {
  if (!has_adapters(folder)) return std::nullopt;
  const std::string file = (folder / kFacts).string();
  const nlohmann::json facts = io::parse_json(io::read_text(file), file);
  StoredAdapters adapters;
  try {
    adapters.lora = {.rank = facts.at("rank").get<int64_t>(),
                     .alpha = facts.at("alpha").get<double>(),
                     .targets = facts.at("targets").get<std::vector<std::string>>(),
                     .dropout = facts.at("dropout").get<double>()};
    adapters.first_new_row = facts.at("first_new_row").get<int64_t>();
  } catch (const nlohmann::json::exception&) {
    throw DataError("'", file,
                    "' is malformed: expected rank, alpha, targets, dropout and first_new_row");
  }
  adapters.tensors = io::read_safetensors(folder / kTensors);
  adapters.folder = folder;
  return adapters;
}

void write_adapters(const Lora& lora, int64_t first_new_row, const io::NamedTensors& tensors,
                    const fs::path& folder) {
  const nlohmann::ordered_json facts = {{"rank", lora.rank},
                                        {"alpha", lora.alpha},
                                        {"dropout", lora.dropout},
                                        {"targets", lora.targets},
                                        {"first_new_row", first_new_row}};
  io::write_text(folder / kFacts, facts.dump(2) + "\n");
  io::write_safetensors(folder / kTensors, tensors);
}

std::string name_of_part(const std::string& joined, const JoinedPart& part) {
  return joined.substr(0, joined.rfind('.') + 1) + part.name;
}

bool has_adapters(const fs::path& folder) { return fs::exists(folder / kFacts); }

void write_merged(const fs::path& from, const fs::path& to) {
  needed_adapters(from);
  CausalLm model(read_hf_config(from), torch::kFloat32, torch::kCPU);
  model.load(from);
  model.merge_adapters();
  copy_the_rest(from, to);
  fs::copy(from / "config.json", to / "config.json");
  model.save(to);
}

void write_peft(const fs::path& from, const std::string& base, const fs::path& to) {
  const StoredAdapters adapters = needed_adapters(from);
  const std::string before = "base_model.model.";
  io::NamedTensors tensors;
  for (const auto& [name, value] : adapters.tensors) tensors.emplace_back(before + name, value);
  nlohmann::ordered_json new_rows = nlohmann::ordered_json::object();
  const auto stored = io::read_hf_weights(from);
  const auto add_rows = [&](const char* module, const std::string& path) {
    const auto found = stored.find(path + ".weight");
    if (found == stored.end() || found->second.size(0) <= adapters.first_new_row) return;
    std::vector<int64_t> ids;
    for (int64_t id = adapters.first_new_row; id < found->second.size(0); ++id) ids.push_back(id);
    new_rows[module] = ids;
    tensors.emplace_back(before + path + ".token_adapter.trainable_tokens_delta",
                         found->second.slice(0, adapters.first_new_row));
  };
  add_rows("embed_tokens", "model.embed_tokens");
  add_rows("lm_head", "lm_head");
  nlohmann::ordered_json config = {{"peft_type", "LORA"},
                                   {"task_type", "CAUSAL_LM"},
                                   {"base_model_name_or_path", base},
                                   {"r", adapters.lora.rank},
                                   {"lora_alpha", number_of(adapters.lora.alpha)},
                                   {"lora_dropout", adapters.lora.dropout},
                                   {"target_modules", adapters.lora.targets},
                                   {"bias", "none"},
                                   {"fan_in_fan_out", false},
                                   {"init_lora_weights", true},
                                   {"inference_mode", true}};
  if (!new_rows.empty()) config["trainable_token_indices"] = new_rows;
  copy_the_rest(from, to);
  io::write_text(to / "adapter_config.json", config.dump(2) + "\n");
  io::write_safetensors(to / "adapter_model.safetensors", tensors);
}

}  // namespace tsrec::nn
