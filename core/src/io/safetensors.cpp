// Format: https://github.com/huggingface/safetensors#format
#include "tsrec/io/safetensors.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "io/atomic_file.hpp"
#include "io/git_lfs.hpp"
#include "io/json.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::io {
namespace {

constexpr size_t kLengthBytes = 8;
constexpr size_t kAlignment = 8;                // of the first tensor, for the widest number
constexpr size_t kLargestHeader = 100'000'000;  // the limit of the reference implementation

constexpr std::array<std::pair<std::string_view, torch::ScalarType>, 10> kTypes = {{
    {"F64", torch::kFloat64},
    {"F32", torch::kFloat32},
    {"F16", torch::kFloat16},
    {"BF16", torch::kBFloat16},
    {"I64", torch::kInt64},
    {"I32", torch::kInt32},
    {"I16", torch::kInt16},
    {"I8", torch::kInt8},
    {"U8", torch::kUInt8},
    {"BOOL", torch::kBool},
}};

std::string_view type_name(const std::string& tensor, torch::ScalarType type) {
  for (const auto& [name, known] : kTypes) {
    if (known == type) return name;
  }
  throw Error("tensor ", tensor, " of type ", c10::toString(type),
              " cannot be stored in safetensors; convert it to float32 or int64");
}

// A view of a whole file; tensors share its ownership. Private: a write through a tensor never
// reaches the file.
class Mapping {
 public:
  explicit Mapping(const std::filesystem::path& file) {
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) fail(file);
    struct stat facts = {};
    const bool known = ::fstat(descriptor, &facts) == 0;
    if (known && facts.st_size > 0) {
      size_ = static_cast<size_t>(facts.st_size);
      begin_ = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE, descriptor, 0);
    }
    const int error = errno;
    ::close(descriptor);
    errno = error;
    if (!known || begin_ == MAP_FAILED) fail(file);
  }
  ~Mapping() {
    if (begin_ != nullptr && begin_ != MAP_FAILED) ::munmap(begin_, size_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  std::string_view bytes() const { return {static_cast<const char*>(begin_), size_}; }

 private:
  [[noreturn]] static void fail(const std::filesystem::path& file) {
    throw DataError("cannot read ", file.string(), ": ", std::generic_category().message(errno));
  }

  void* begin_ = nullptr;
  size_t size_ = 0;
};

struct Entry {
  std::string name;
  torch::ScalarType type;
  std::vector<int64_t> shape;
  size_t begin, end;  // bytes after the header
};

torch::ScalarType parse_type(const std::string& name, const std::string& where) {
  for (const auto& [known, type] : kTypes) {
    if (known == name) return type;
  }
  throw DataError(where, ": numbers of type ", name,
                  " are not supported; expected F64, F32, F16, BF16, an integer type or BOOL");
}

size_t byte_count(const Entry& entry, const std::string& where) {
  size_t count = torch::elementSize(entry.type);
  for (const int64_t extent : entry.shape) {
    if (extent < 0 || __builtin_mul_overflow(count, static_cast<size_t>(extent), &count)) {
      throw DataError(where, ": impossible shape");
    }
  }
  return count;
}

Entry parse_entry(const std::string& name, const nlohmann::json& value, size_t data_size,
                  const std::string& file) {
  const std::string where = c10::str(file, ": tensor ", name);
  Entry entry{name, torch::kFloat32, {}, 0, 0};
  try {
    entry.type = parse_type(value.at("dtype").get<std::string>(), where);
    entry.shape = value.at("shape").get<std::vector<int64_t>>();
    const auto offsets = value.at("data_offsets").get<std::array<size_t, 2>>();
    entry.begin = offsets[0];
    entry.end = offsets[1];
  } catch (const nlohmann::json::exception&) {
    throw DataError(where, ": the header needs dtype, shape and two data_offsets");
  }
  if (entry.begin > entry.end || entry.end > data_size) {
    throw DataError(where, ": bytes ", entry.begin, " to ", entry.end, " lie outside the ",
                    data_size, " bytes of data; the file is truncated; copy or download it again");
  }
  if (const size_t expected = byte_count(entry, where); expected != entry.end - entry.begin) {
    throw DataError(where, ": the shape needs ", expected, " bytes, the offsets span ",
                    entry.end - entry.begin);
  }
  return entry;
}

// Tensors must tile the data without gaps or overlaps, as the format demands.
void check_tiling(std::vector<Entry>& entries, size_t data_size, const std::string& file) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
  });
  size_t at = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != at) {
      throw DataError(file, ": tensor ", entry.name, " starts at byte ", entry.begin,
                      " of the data, expected ", at);
    }
    at = entry.end;
  }
  if (at != data_size) {
    throw DataError(file, ": the header describes ", at, " bytes of data, the file has ", data_size,
                    "; copy the file again");
  }
}

// Length of the JSON header, which the first 8 bytes hold in little-endian order.
size_t header_length(std::string_view bytes, const std::string& file) {
  if (bytes.size() < kLengthBytes) {
    throw DataError(file, ": ", bytes.size(),
                    " bytes are too few for a safetensors file; copy or download it "
                    "again");
  }
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  if (length > std::min(kLargestHeader, bytes.size() - kLengthBytes)) {
    throw DataError(file, ": a header of ", length, " bytes does not fit into a file of ",
                    bytes.size(),
                    " bytes; the file is truncated or not a safetensors file; copy or download it "
                    "again");
  }
  return length;
}

torch::Tensor view_of(const Entry& entry, std::string_view data,
                      const std::shared_ptr<const Mapping>& mapping) {
  if (entry.begin == entry.end) return torch::empty(entry.shape, entry.type);
  // from_blob takes a mutable pointer; the mapping is private and writable.
  auto* begin = const_cast<char*>(data.data()) + entry.begin;
  torch::Tensor view = torch::from_blob(
      begin, entry.shape, [mapping](void*) {}, entry.type);
  const bool aligned = reinterpret_cast<uintptr_t>(begin) % torch::elementSize(entry.type) == 0;
  return aligned ? view : view.clone();
}

struct Stored {
  std::string name;
  torch::Tensor value;
};

// By width of the numbers, then by name: everything stays aligned and order of calls is irrelevant.
std::vector<Stored> sorted(const NamedTensors& tensors) {
  std::vector<Stored> out;
  for (const auto& [name, value] : tensors) {
    out.push_back({name, value.detach().cpu().contiguous()});
  }
  std::sort(out.begin(), out.end(), [](const Stored& a, const Stored& b) {
    if (a.value.element_size() != b.value.element_size()) {
      return a.value.element_size() > b.value.element_size();
    }
    return a.name < b.name;
  });
  return out;
}

std::string header_text(const std::vector<Stored>& tensors) {
  nlohmann::json header;
  header["__metadata__"] = {{"format", "pt"}};  // transformers refuses files without it
  size_t at = 0;
  for (const auto& [name, value] : tensors) {
    if (header.contains(name)) throw Error("two tensors are named ", name);
    header[name] = {{"dtype", type_name(name, value.scalar_type())},
                    {"shape", value.sizes().vec()},
                    {"data_offsets", {at, at + value.nbytes()}}};
    at += value.nbytes();
  }
  std::string text = header.dump();
  while ((kLengthBytes + text.size()) % kAlignment != 0) text += ' ';
  return text;
}

std::map<std::string, torch::Tensor> read_shard(const std::filesystem::path& index,
                                                const std::string& shard) {
  const std::filesystem::path file = index.parent_path() / shard;
  if (!std::filesystem::exists(file)) {
    throw DataError(index.string(), " names the shard ", shard,
                    ", which is not beside it; download the missing shards");
  }
  return read_safetensors(file);
}

std::map<std::string, torch::Tensor> read_shards(const std::filesystem::path& index) {
  const nlohmann::json json = parse_json(read_text(index), index.string());
  std::map<std::string, std::map<std::string, torch::Tensor>> shards;
  std::map<std::string, torch::Tensor> weights;
  if (!json.is_object() || !json.contains("weight_map") || !json["weight_map"].is_object()) {
    throw DataError(index.string(), ": expected an object with a weight_map");
  }
  for (const auto& [name, shard_name] : json["weight_map"].items()) {
    const std::string shard = shard_name.is_string() ? shard_name.get<std::string>() : "";
    if (shard.empty() || std::filesystem::path(shard).filename() != shard) {
      throw DataError(index.string(), ": ", name, " needs the name of a file in the same folder");
    }
    if (!shards.contains(shard)) shards[shard] = read_shard(index, shard);
    const auto found = shards[shard].find(name);
    if (found == shards[shard].end()) {
      throw DataError(index.string(), ": ", shard, " holds no tensor ", name);
    }
    weights.insert(*found);
  }
  return weights;
}

}  // namespace

void write_safetensors(const std::filesystem::path& file, const NamedTensors& tensors) {
  const std::vector<Stored> stored = sorted(tensors);
  const std::string header = header_text(stored);
  const uint64_t length = header.size();
  AtomicFile out(file);
  out.write({reinterpret_cast<const char*>(&length), kLengthBytes});
  out.write(header);
  for (const auto& [name, value] : stored) {
    out.write({static_cast<const char*>(value.data_ptr()), value.nbytes()});
  }
  out.commit();
}

std::map<std::string, torch::Tensor> read_safetensors(const std::filesystem::path& file) {
  const std::string name = file.string();
  const auto mapping = std::make_shared<const Mapping>(file);
  const std::string_view bytes = mapping->bytes();
  refuse_git_lfs_pointer(bytes, name);
  const size_t length = header_length(bytes, name);
  const std::string_view data = bytes.substr(kLengthBytes + length);
  const nlohmann::json header = parse_json(bytes.substr(kLengthBytes, length), name);
  if (!header.is_object()) throw DataError(name, ": the safetensors header is not an object");
  std::vector<Entry> entries;
  for (const auto& [key, value] : header.items()) {
    if (key != "__metadata__") entries.push_back(parse_entry(key, value, data.size(), name));
  }
  check_tiling(entries, data.size(), name);
  std::map<std::string, torch::Tensor> tensors;
  for (const Entry& entry : entries) tensors.emplace(entry.name, view_of(entry, data, mapping));
  return tensors;
}

std::map<std::string, torch::Tensor> read_hf_weights(const std::filesystem::path& folder) {
  const std::filesystem::path whole = folder / "model.safetensors";
  const std::filesystem::path index = folder / "model.safetensors.index.json";
  if (std::filesystem::exists(whole)) return read_safetensors(whole);
  if (std::filesystem::exists(index)) return read_shards(index);
  for (const char* pickle : {"pytorch_model.bin", "pytorch_model.bin.index.json"}) {
    if (!std::filesystem::exists(folder / pickle)) continue;
    throw DataError(folder.string(), " has its weights in ", pickle,
                    ", a Python pickle, which is not read because it may run any code; load it in "
                    "transformers and write it again by "
                    "save_pretrained(folder, safe_serialization=True)");
  }
  throw DataError(folder.string(), ": neither model.safetensors nor model.safetensors.index.json; ",
                  "expected the folder of a Hugging Face model");
}

}  // namespace tsrec::io
