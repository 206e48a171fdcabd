#include "tsrec/io/safetensors.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "tsrec/io/files.hpp"

namespace tsrec::io {
namespace {

using nlohmann::json;

struct TypeName {
  const char* name;
  torch::ScalarType type;
};
constexpr TypeName kTypes[] = {{"F64", torch::kFloat64}, {"F32", torch::kFloat32},
                               {"F16", torch::kFloat16}, {"BF16", torch::kBFloat16},
                               {"I64", torch::kInt64},   {"I32", torch::kInt32},
                               {"I16", torch::kInt16},   {"I8", torch::kInt8},
                               {"U8", torch::kUInt8},    {"BOOL", torch::kBool}};

const char* name_of(torch::ScalarType type) {
  for (const TypeName& known : kTypes) {
    if (known.type == type) return known.name;
  }
  throw DataError("safetensors cannot hold values of type ", type, "");
}

// A read-only view of a whole file.
class Mapping {
 public:
  explicit Mapping(const std::filesystem::path& file) {
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) throw DataError("cannot read '", file.string(), "': ", std::strerror(errno));
    struct stat status {};
    if (::fstat(fd, &status) == 0) size_ = static_cast<size_t>(status.st_size);
    // Private, so that a write through a tensor can never reach the file.
    if (size_ > 0) data_ = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    ::close(fd);
    if (data_ == MAP_FAILED)
      throw DataError("cannot map '", file.string(), "' into memory: ", std::strerror(errno));
  }
  ~Mapping() {
    if (data_ != nullptr) ::munmap(data_, size_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  char* data() const { return static_cast<char*>(data_); }
  size_t size() const { return size_; }

 private:
  void* data_ = nullptr;
  size_t size_ = 0;
};

torch::Tensor view_of(const std::shared_ptr<Mapping>& mapping, size_t data_begin,
                      const std::string& name, const json& facts,
                      const std::filesystem::path& file) {
  const std::string type_name = facts.at("dtype").get<std::string>();
  const auto type = std::find_if(std::begin(kTypes), std::end(kTypes),
                                 [&](const TypeName& t) { return t.name == type_name; });
  if (type == std::end(kTypes)) {
    throw DataError("'", file.string(), "': tensor '", name, "' has the type ", type_name,
                    ", which is not supported");
  }
  const auto shape = facts.at("shape").get<std::vector<int64_t>>();
  const auto offsets = facts.at("data_offsets").get<std::vector<uint64_t>>();
  uint64_t bytes = c10::elementSize(type->type);
  for (const int64_t size : shape) {
    if (size < 0) throw DataError("'", file.string(), "': tensor '", name, "' has a negative size");
    bytes *= static_cast<uint64_t>(size);
  }
  if (offsets.size() != 2 || offsets[1] < offsets[0] || offsets[1] - offsets[0] != bytes ||
      offsets[1] > mapping->size() - data_begin) {
    throw DataError(
        "'", file.string(), "': the bytes of tensor '", name,
        "' do not lie inside the file; it is truncated or damaged, so fetch or write it again");
  }
  if (bytes == 0) return torch::empty(shape, type->type);
  char* begin = mapping->data() + data_begin + offsets[0];
  if (reinterpret_cast<uintptr_t>(begin) % c10::elementSize(type->type) != 0) {
    torch::Tensor copy = torch::empty(shape, type->type);
    std::memcpy(copy.mutable_data_ptr(), begin, bytes);
    return copy;
  }
  return torch::from_blob(
      begin, shape, [mapping](void*) {}, type->type);
}

}  // namespace

void write_safetensors(const std::filesystem::path& file, const NamedTensors& tensors) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  std::vector<torch::Tensor> values;
  uint64_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    values.push_back(tensor.detach().cpu().contiguous());
    const torch::Tensor& value = values.back();
    if (header.contains(name))
      throw DataError("the tensor '", name, "' is written twice to '", file.string(), "'");
    header[name] = {{"dtype", name_of(value.scalar_type())},
                    {"shape", value.sizes().vec()},
                    {"data_offsets", {offset, offset + value.nbytes()}}};
    offset += value.nbytes();
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // values start at a multiple of 8 bytes
  std::string bytes;
  bytes.reserve(8 + text.size() + offset);
  for (int i = 0; i < 8; ++i)
    bytes += static_cast<char>(static_cast<uint64_t>(text.size()) >> (8 * i) & 255);
  bytes += text;
  for (const torch::Tensor& value : values)
    bytes.append(static_cast<const char*>(value.const_data_ptr()), value.nbytes());
  write_text(file, bytes);
}

std::map<std::string, torch::Tensor> read_safetensors(const std::filesystem::path& file) {
  const auto mapping = std::make_shared<Mapping>(file);
  uint64_t length = 0;
  if (mapping->size() >= 8) std::memcpy(&length, mapping->data(), 8);
  if (mapping->size() < 8 || length > mapping->size() - 8) {
    throw DataError("'", file.string(),
                    "' is no complete safetensors file; fetch or write it again");
  }
  std::map<std::string, torch::Tensor> tensors;
  try {
    const json header = json::parse(mapping->data() + 8, mapping->data() + 8 + length);
    for (const auto& [name, facts] : header.items()) {
      if (name != "__metadata__") tensors[name] = view_of(mapping, 8 + length, name, facts, file);
    }
  } catch (const json::exception& error) {
    throw DataError("'", file.string(), "' has a damaged safetensors header: ", error.what());
  }
  return tensors;
}

std::map<std::string, torch::Tensor> read_hf_weights(const std::filesystem::path& folder) {
  const std::filesystem::path single = folder / "model.safetensors",
                              index = folder / "model.safetensors.index.json";
  if (std::filesystem::exists(single)) return read_safetensors(single);
  if (!std::filesystem::exists(index)) {
    throw DataError("'", folder.string(),
                    "' holds neither model.safetensors nor model.safetensors.index.json; ",
                    "expected a Hugging Face checkpoint with safetensors weights");
  }
  std::map<std::string, std::string> shard_of;
  try {
    shard_of =
        json::parse(read_text(index)).at("weight_map").get<std::map<std::string, std::string>>();
  } catch (const json::exception& error) {
    throw DataError("'", index.string(), "' is malformed: ", error.what());
  }
  std::map<std::string, std::map<std::string, torch::Tensor>> shards;
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& [name, shard] : shard_of) {
    const auto [at, is_new] = shards.try_emplace(shard);
    if (is_new) at->second = read_safetensors(folder / shard);
    const auto found = at->second.find(name);
    if (found == at->second.end()) {
      throw DataError("'", (folder / shard).string(), "' lacks the tensor '", name,
                      "' that its index names");
    }
    tensors[name] = found->second;
  }
  return tensors;
}

}  // namespace tsrec::io
