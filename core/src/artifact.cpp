#include "tsrec/artifact.hpp"

#include <nlohmann/json.hpp>

#include "tsrec/io/files.hpp"
#include "tsrec/io/safetensors.hpp"

namespace tsrec {
namespace {

using nlohmann::json;

constexpr const char* kTensors = "tensors.safetensors";
constexpr const char* kValues = "values.json";

std::string exact(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

}  // namespace

struct ArtifactWriter::Impl {
  std::filesystem::path folder;
  std::map<std::string, torch::Tensor>
      tensors;  // sorted: the bytes do not depend on the order of calls
  std::map<std::string, std::string> texts, numbers;
};

ArtifactWriter::ArtifactWriter(std::filesystem::path folder) : impl_(std::make_unique<Impl>()) {
  impl_->folder = std::move(folder);
  std::filesystem::create_directories(impl_->folder);
}

ArtifactWriter::~ArtifactWriter() = default;

void ArtifactWriter::tensor(std::string_view name, const torch::Tensor& value) {
  impl_->tensors[std::string(name)] = value.detach().clone();
}

void ArtifactWriter::text(std::string_view name, std::string_view value) {
  impl_->texts[std::string(name)] = std::string(value);
}

void ArtifactWriter::number(std::string_view name, double value) {
  impl_->numbers[std::string(name)] = exact(value);
}

std::filesystem::path ArtifactWriter::folder(std::string_view name) {
  const std::filesystem::path made = impl_->folder / name;
  std::filesystem::remove_all(made);
  std::filesystem::create_directories(made);
  return made;
}

void ArtifactWriter::close() {
  io::write_safetensors(impl_->folder / kTensors, {impl_->tensors.begin(), impl_->tensors.end()});
  const json values = {{"texts", impl_->texts}, {"numbers", impl_->numbers}};
  // Texts need not be UTF-8 everywhere; what is not is replaced rather than refused.
  io::write_text(impl_->folder / kValues,
                 values.dump(1, ' ', false, json::error_handler_t::replace) + "\n");
}

struct ArtifactReader::Impl {
  std::filesystem::path folder;
  std::map<std::string, torch::Tensor> tensors;
  std::map<std::string, std::string> texts, numbers;

  template <class Map>
  const auto& find(const Map& map, std::string_view name, const char* what) const {
    const auto found = map.find(std::string(name));
    if (found == map.end()) {
      throw DataError("the stored folder '", folder.string(), "' has no ", what, " '",
                      std::string(name), "'; remove the folder, so that it is computed again");
    }
    return found->second;
  }
};

ArtifactReader::ArtifactReader(std::filesystem::path folder) : impl_(std::make_unique<Impl>()) {
  impl_->folder = std::move(folder);
  impl_->tensors = io::read_safetensors(impl_->folder / kTensors);
  try {
    const json values = json::parse(io::read_text(impl_->folder / kValues));
    impl_->texts = values.at("texts").get<std::map<std::string, std::string>>();
    impl_->numbers = values.at("numbers").get<std::map<std::string, std::string>>();
  } catch (const json::exception& error) {
    throw DataError("'", (impl_->folder / kValues).string(), "' is damaged: ", error.what());
  }
}

ArtifactReader::~ArtifactReader() = default;

torch::Tensor ArtifactReader::tensor(std::string_view name) const {
  return impl_->find(impl_->tensors, name, "tensor").clone();
}

std::string ArtifactReader::text(std::string_view name) const {
  return impl_->find(impl_->texts, name, "text");
}

double ArtifactReader::number(std::string_view name) const {
  return std::strtod(impl_->find(impl_->numbers, name, "number").c_str(), nullptr);
}

std::filesystem::path ArtifactReader::folder(std::string_view name) const {
  const std::filesystem::path found = impl_->folder / name;
  if (!std::filesystem::is_directory(found)) {
    throw DataError("the stored folder '", impl_->folder.string(), "' has no folder '",
                    std::string(name), "'; remove the folder, so that it is computed again");
  }
  return found;
}

bool ArtifactReader::has(std::string_view name) const {
  const std::string key(name);
  return impl_->tensors.contains(key) || impl_->texts.contains(key) ||
         impl_->numbers.contains(key) || std::filesystem::is_directory(impl_->folder / key);
}

}  // namespace tsrec
