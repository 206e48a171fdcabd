#include "tsrec/artifact.hpp"

#include <cmath>
#include <mutex>
#include <set>

#include "io/json.hpp"
#include "tsrec/io/files.hpp"
#include "tsrec/io/safetensors.hpp"

namespace tsrec {
namespace {

constexpr const char* kTensorFile = "tensors.safetensors";
constexpr const char* kValueFile = "values.json";

// JSON has no NaN and no infinity; they are kept as words. nlohmann prints other numbers with the
// fewest digits, at most 17, that read back as the same number.
nlohmann::json number_json(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

std::optional<double> number_of(const nlohmann::json& value) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (value.is_number()) return value.get<double>();
  if (value == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (value == "inf") return kInfinity;
  if (value == "-inf") return -kInfinity;
  return std::nullopt;
}

bool is_plain_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

bool is_utf8(std::string_view text) {
  try {
    nlohmann::json(text).dump();
    return true;
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

}  // namespace

struct ArtifactWriter::Impl {
  std::filesystem::path folder;
  std::set<std::string, std::less<>> names;
  io::NamedTensors tensors;
  std::map<std::string, int64_t> version_of_view;  // by its name, when it was given
  nlohmann::json texts = nlohmann::json::object();
  nlohmann::json numbers = nlohmann::json::object();
  std::set<std::string> folders;
  bool closed = false;

  // One name space for all kinds of values, so that has(name) has one meaning.
  std::string claim(std::string_view name) {
    if (closed) throw Error(folder.string(), ": ", name, " is saved after close()");
    if (name.empty() || !is_utf8(name)) {
      throw Error(folder.string(), ": a saved value needs a name in UTF-8");
    }
    if (!names.emplace(name).second) throw Error(folder.string(), ": ", name, " is saved twice");
    return std::string(name);
  }
};

ArtifactWriter::ArtifactWriter(std::filesystem::path folder) : impl_(std::make_unique<Impl>()) {
  impl_->folder = std::move(folder);
  std::error_code error;
  std::filesystem::create_directories(impl_->folder, error);
  if (error) throw Error("cannot create ", impl_->folder.string(), ": ", error.message());
}

ArtifactWriter::~ArtifactWriter() = default;

void ArtifactWriter::tensor(std::string_view name, const torch::Tensor& value) {
  if (!value.defined()) {
    throw Error(impl_->folder.string(), ": the tensor ", name, " is undefined");
  }
  impl_->tensors.emplace_back(impl_->claim(name), value.detach().clone());
}

void ArtifactWriter::view(std::string_view name, const torch::Tensor& value) {
  if (!value.defined()) {
    throw Error(impl_->folder.string(), ": the tensor ", name, " is undefined");
  }
  impl_->tensors.emplace_back(impl_->claim(name), value.detach());
  impl_->version_of_view[std::string(name)] = value._version();
}

void ArtifactWriter::text(std::string_view name, std::string_view value) {
  impl_->texts[impl_->claim(name)] = value;
}

void ArtifactWriter::number(std::string_view name, double value) {
  impl_->numbers[impl_->claim(name)] = number_json(value);
}

std::filesystem::path ArtifactWriter::folder(std::string_view name) {
  if (!is_plain_name(name) || name == kTensorFile || name == kValueFile) {
    throw Error(impl_->folder.string(), ": '", name, "' cannot name a folder of an artifact");
  }
  const std::filesystem::path made = impl_->folder / impl_->claim(name);
  std::error_code error;
  std::filesystem::remove_all(made, error);
  std::filesystem::create_directory(made, error);
  if (error) throw Error("cannot create ", made.string(), ": ", error.message());
  impl_->folders.emplace(name);
  return made;
}

// values.json is written last: a folder that has it is complete.
void ArtifactWriter::close() {
  if (impl_->closed) throw Error(impl_->folder.string(), ": the artifact is closed twice");
  for (const auto& [name, value] : impl_->tensors) {
    const auto view = impl_->version_of_view.find(name);
    if (view != impl_->version_of_view.end() && view->second != value._version())
      throw Error(impl_->folder.string(), ": the tensor ", name,
                  " changed between view() and close(); save what changes with tensor()");
  }
  io::write_safetensors(impl_->folder / kTensorFile, impl_->tensors);
  impl_->tensors.clear();
  impl_->closed = true;
  // Moved: the texts of a catalogue of millions are not in memory twice.
  nlohmann::json values = nlohmann::json::object();
  values["folders"] = impl_->folders;
  values["numbers"] = std::move(impl_->numbers);
  values["texts"] = std::move(impl_->texts);
  // Texts need not be UTF-8 everywhere; what is not is replaced rather than refused.
  std::string text = values.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
  io::write_text(impl_->folder / kValueFile, text += "\n");
}

namespace {

nlohmann::json complete_values(const std::filesystem::path& file) {
  nlohmann::json values = io::parse_json(io::read_text(file), file.string());
  const auto has = [&](const char* name, auto is_kind) {
    return values.contains(name) && (values[name].*is_kind)();
  };
  using Json = nlohmann::json;
  if (!values.is_object() || !has("folders", &Json::is_array) ||
      !has("numbers", &Json::is_object) || !has("texts", &Json::is_object))
    throw DataError(file.string(), ": expected an object with folders, numbers and texts");
  return values;
}

}  // namespace

struct ArtifactReader::Impl {
  std::filesystem::path folder;
  std::map<std::string, torch::Tensor> tensors;

  // Parsed when the first is asked for: who reads tensors alone does not wait for the texts of a
  // catalogue.
  const nlohmann::json& values() const {
    std::call_once(is_parsed, [this] { parsed = complete_values(folder / kValueFile); });
    return parsed;
  }
  [[noreturn]] void missing(const char* kind, std::string_view name) const {
    throw DataError(folder.string(), " holds no ", kind, " '", name,
                    "'; it was saved by another part or version");
  }
  const nlohmann::json* value(const char* kind, std::string_view name) const {
    const nlohmann::json& values_of_kind = values().at(kind);
    const auto found = values_of_kind.find(std::string(name));
    return found == values_of_kind.end() ? nullptr : &*found;
  }
  bool has_folder(std::string_view name) const {
    const nlohmann::json& folders = values().at("folders");
    return std::find(folders.begin(), folders.end(), std::string(name)) != folders.end();
  }

 private:
  mutable std::once_flag is_parsed;
  mutable nlohmann::json parsed;
};

ArtifactReader::ArtifactReader(std::filesystem::path folder) : impl_(std::make_unique<Impl>()) {
  impl_->folder = std::move(folder);
  const std::filesystem::path value_file = impl_->folder / kValueFile;
  if (!std::filesystem::exists(value_file)) {
    throw DataError(impl_->folder.string(), " holds no finished artifact: ", kValueFile,
                    " is missing; run the stage that makes it again");
  }
  impl_->tensors = io::read_safetensors(impl_->folder / kTensorFile);
}

ArtifactReader::~ArtifactReader() = default;

torch::Tensor ArtifactReader::tensor(std::string_view name) const { return view(name).clone(); }

torch::Tensor ArtifactReader::view(std::string_view name) const {
  const auto found = impl_->tensors.find(std::string(name));
  if (found == impl_->tensors.end()) impl_->missing("tensor", name);
  return found->second;
}

std::string ArtifactReader::text(std::string_view name) const {
  const nlohmann::json* value = impl_->value("texts", name);
  if (value == nullptr || !value->is_string()) impl_->missing("text", name);
  return value->get<std::string>();
}

double ArtifactReader::number(std::string_view name) const {
  const nlohmann::json* value = impl_->value("numbers", name);
  const std::optional<double> number = value == nullptr ? std::nullopt : number_of(*value);
  if (!number) impl_->missing("number", name);
  return *number;
}

std::filesystem::path ArtifactReader::folder(std::string_view name) const {
  const std::filesystem::path path = impl_->folder / name;
  if (!impl_->has_folder(name) || !std::filesystem::is_directory(path)) {
    impl_->missing("folder", name);
  }
  return path;
}

bool ArtifactReader::has_tensor(std::string_view name) const {
  return impl_->tensors.contains(std::string(name));
}

bool ArtifactReader::has(std::string_view name) const {
  return has_tensor(name) || impl_->value("texts", name) != nullptr ||
         impl_->value("numbers", name) != nullptr || impl_->has_folder(name);
}

}  // namespace tsrec
