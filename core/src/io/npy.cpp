// The .npy format of NumPy, versions 1 to 3:
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#include <charconv>
#include <cstring>

#include "io/atomic_file.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::io {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kNpyAlignment =
    64;  // NumPy pads the header so that the numbers start on a cache line

constexpr std::array<std::pair<std::string_view, torch::ScalarType>, 5> kNpyTypes = {{
    {"<f2", torch::kFloat16},
    {"<f4", torch::kFloat32},
    {"<f8", torch::kFloat64},
    {"<i4", torch::kInt32},
    {"<i8", torch::kInt64},
}};

struct Header {
  torch::ScalarType type = torch::kFloat32;
  std::vector<int64_t> shape;
};

// The value text after `'key':` in the printed dictionary, e.g. `'<f4'`, `False` or `(3, 4)`.
std::string_view value_of(std::string_view dictionary, std::string_view key,
                          const std::string& file) {
  const std::string quoted = c10::str("'", key, "':");
  const size_t found = dictionary.find(quoted);
  if (found == std::string_view::npos) {
    throw DataError(file, ": the npy header has no ", key, "; expected a file of numpy.save");
  }
  std::string_view value = dictionary.substr(found + quoted.size());
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  const size_t end = value.starts_with('(') ? value.find(')') : value.find_first_of(",}");
  return value.substr(0, end);
}

torch::ScalarType parse_type(std::string_view text, const std::string& file) {
  for (const auto& [name, type] : kNpyTypes) {
    if (text.size() == name.size() + 2 && text.substr(1, name.size()) == name) return type;
  }
  throw DataError(file, ": numbers of type ", text,
                  " are not supported; save the array as '<f2', '<f4', '<f8', '<i4' or '<i8'");
}

std::vector<int64_t> parse_shape(std::string_view text, const std::string& file) {
  const auto malformed = [&] {
    return DataError(file, ": malformed shape ", text, ") in the npy header");
  };
  if (!text.starts_with('(')) throw malformed();
  std::vector<int64_t> shape;
  const char* at = text.data() + 1;
  const char* end = text.data() + text.size();
  while (true) {
    while (at != end && (*at == ' ' || *at == ',')) ++at;
    if (at == end) return shape;
    int64_t extent = 0;
    const auto result = std::from_chars(at, end, extent);
    if (result.ec != std::errc() || extent < 0) throw malformed();
    shape.push_back(extent);
    at = result.ptr;
  }
}

Header parse_header(std::string_view dictionary, const std::string& file) {
  if (value_of(dictionary, "fortran_order", file) != "False") {
    throw DataError(file, ": the array is in Fortran order; save numpy.ascontiguousarray(array)");
  }
  return {parse_type(value_of(dictionary, "descr", file), file),
          parse_shape(value_of(dictionary, "shape", file), file)};
}

// Number of bytes of the array; a product that overflows is larger than any file.
size_t byte_count(const Header& header, const std::string& file) {
  size_t count = torch::elementSize(header.type);
  for (const int64_t extent : header.shape) {
    if (__builtin_mul_overflow(count, static_cast<size_t>(extent), &count)) {
      throw DataError(file, ": the shape in the npy header is larger than any file");
    }
  }
  return count;
}

// Bytes that hold the length of the header: 2 in version 1, 4 since version 2.
size_t length_bytes(char version, const std::string& file) {
  if (version < 1 || version > 3) {
    throw DataError(file, ": npy version ", static_cast<int>(version), " is unknown");
  }
  return version == 1 ? 2 : 4;
}

std::string header_text(const torch::Tensor& value) {
  for (const auto& [name, type] : kNpyTypes) {
    if (type != value.scalar_type()) continue;
    std::string shape;
    for (const int64_t extent : value.sizes()) shape += c10::str(extent, ", ");
    if (value.dim() == 1) shape.pop_back();               // (3,)
    if (value.dim() > 1) shape.resize(shape.size() - 2);  // (3, 4)
    return c10::str("{'descr': '", name, "', 'fortran_order': False, 'shape': (", shape, "), }");
  }
  throw Error("a tensor of type ", c10::toString(value.scalar_type()),
              " cannot be written as .npy; convert it to float32 or int64");
}

}  // namespace

torch::Tensor read_npy(const std::filesystem::path& file) {
  const std::string name = file.string();
  const std::string bytes = read_text(file);
  const std::string_view all = bytes;
  if (!all.starts_with(kMagic) || all.size() < kMagic.size() + 6) {
    throw DataError(name, ": not an npy file; expected a file of numpy.save");
  }
  const size_t width = length_bytes(all[kMagic.size()], name);
  size_t header_size = 0;
  std::memcpy(&header_size, all.data() + kMagic.size() + 2, width);
  const size_t header_begin = kMagic.size() + 2 + width;
  if (header_size > all.size() - header_begin) {
    throw DataError(name, ": the file ends inside the npy header; it is truncated");
  }
  const Header header = parse_header(all.substr(header_begin, header_size), name);
  const std::string_view numbers = all.substr(header_begin + header_size);
  if (const size_t expected = byte_count(header, name); numbers.size() != expected) {
    throw DataError(name, ": the npy header promises ", expected,
                    " bytes of numbers, the file has ", numbers.size(),
                    "; copy or save the file again");
  }
  torch::Tensor value = torch::empty(header.shape, header.type);
  if (!numbers.empty()) std::memcpy(value.data_ptr(), numbers.data(), numbers.size());
  return value;
}

void write_npy(const std::filesystem::path& file, const torch::Tensor& value) {
  const torch::Tensor plain = value.detach().cpu().contiguous();
  std::string header = header_text(plain);
  const size_t prefix = kMagic.size() + 4;
  while ((prefix + header.size() + 1) % kNpyAlignment != 0) header += ' ';
  header += '\n';
  const auto size = static_cast<uint16_t>(header.size());
  const std::array<char, 4> version_and_size = {1, 0, static_cast<char>(size & 255),
                                                static_cast<char>(size >> 8)};
  AtomicFile out(file);
  out.write(kMagic);
  out.write({version_and_size.data(), version_and_size.size()});
  out.write(header);
  out.write({static_cast<const char*>(plain.data_ptr()), plain.nbytes()});
  out.commit();
}

}  // namespace tsrec::io
