#include "tsrec/io/files.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace tsrec::io {
namespace {

// A file descriptor that closes itself.
class Descriptor {
 public:
  Descriptor(const std::filesystem::path& file, int flags)
      : fd_(::open(file.c_str(), flags | O_CLOEXEC, 0644)) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

[[noreturn]] void fail_write(const std::filesystem::path& file) {
  throw DataError("cannot write '", file.string(), "': ", std::strerror(errno),
                  "; free some space or choose a folder that can be written");
}

void flush_folder(const std::filesystem::path& folder) {
  const Descriptor descriptor(folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY);
  if (descriptor.get() >= 0) ::fsync(descriptor.get());
}

// --- .npy
// ------------------------------------------------------------------------------------------------------------
constexpr std::string_view kNpyMagic = "\x93NUMPY";

const std::map<std::string, torch::ScalarType, std::less<>>& npy_types() {
  static const std::map<std::string, torch::ScalarType, std::less<>> types = {
      {"<f2", torch::kFloat16},
      {"<f4", torch::kFloat32},
      {"<f8", torch::kFloat64},
      {"<i4", torch::kInt32},
      {"<i8", torch::kInt64}};
  return types;
}

// The text behind 'key': in a header such as {'descr': '<f4', 'fortran_order': False, 'shape': (3,
// 4), }.
std::string npy_field(const std::string& header, const std::string& key,
                      const std::filesystem::path& file) {
  const size_t at = header.find("'" + key + "':");
  if (at == std::string::npos) {
    throw DataError("'", file.string(), "' is no .npy file that numpy writes: its header has no '",
                    key, "'");
  }
  const size_t begin = header.find_first_not_of(' ', at + key.size() + 3);
  const size_t end =
      header[begin] == '(' ? header.find(')', begin) + 1 : header.find_first_of(",}", begin);
  return header.substr(begin, end - begin);
}

std::vector<int64_t> npy_shape(const std::string& text, const std::filesystem::path& file) {
  std::vector<int64_t> shape;
  for (size_t at = 1; at < text.size();) {
    if (text[at] < '0' || text[at] > '9') {
      ++at;
      continue;
    }
    size_t used = 0;
    shape.push_back(std::stoll(text.substr(at), &used));
    at += used;
  }
  if (text.empty() || text.front() != '(')
    throw DataError("'", file.string(), "' has the shape '", text, "'; expected a tuple");
  return shape;
}

// --- CSV
// -------------------------------------------------------------------------------------------------------------
struct CsvParser {
  const std::string& text;
  const std::string& file;
  size_t at = 0;
  int64_t line = 1;

  bool done() const { return at >= text.size(); }

  std::vector<std::string> row() {
    std::vector<std::string> fields;
    while (true) {
      fields.push_back(done() || text[at] != '"' ? plain() : quoted());
      if (done() || text[at] != ',') break;
      ++at;
    }
    end_of_line();
    return fields;
  }

 private:
  std::string plain() {
    const size_t end = std::min(text.find_first_of(",\r\n", at), text.size());
    std::string field = text.substr(at, end - at);
    at = end;
    return field;
  }

  std::string quoted() {
    const int64_t began = line;
    std::string field;
    for (++at;; ++at) {
      if (done())
        throw DataError(file, ":", began, ": a quoted field is never closed; expected another \"");
      if (text[at] == '\n') ++line;
      if (text[at] != '"') {
        field += text[at];
      } else if (at + 1 < text.size() && text[at + 1] == '"') {
        field += text[at++];
      } else {
        ++at;
        break;
      }
    }
    if (!done() && text[at] != ',' && text[at] != '\r' && text[at] != '\n') {
      throw DataError(file, ":", line,
                      ": text follows a closing quote; expected a comma or the end of the line");
    }
    return field;
  }

  void end_of_line() {
    if (!done() && text[at] == '\r') ++at;
    if (!done() && text[at] == '\n') ++at;
    ++line;
  }
};

// --- Python list literals
// ---------------------------------------------------------------------------------------------
struct ListParser {
  std::string_view text;
  size_t at = 0;

  [[noreturn]] void fail(const char* expected) const {
    throw DataError("a printed list is malformed at character ", at + 1, ": expected ", expected,
                    " in ", std::string(text.substr(0, 80)), text.size() > 80 ? "..." : "");
  }
  void blanks() {
    while (at < text.size() && std::isspace(static_cast<unsigned char>(text[at]))) ++at;
  }
  bool take(char c) {
    blanks();
    if (at >= text.size() || text[at] != c) return false;
    ++at;
    return true;
  }

  std::vector<std::string> list() {
    if (!take('[')) fail("'['");
    std::vector<std::string> entries;
    while (!take(']')) {
      if (!entries.empty()) {
        if (!take(',')) fail("',' or ']'");
        if (take(']')) break;
      }
      blanks();
      if (at >= text.size()) fail("']'");
      entries.push_back(text[at] == '\'' || text[at] == '"' ? quoted() : bare());
    }
    blanks();
    if (at != text.size()) fail("nothing behind ']'");
    return entries;
  }

 private:
  std::string bare() {
    const size_t end = std::min(text.find_first_of(",] \t", at), text.size());
    if (end == at) fail("an entry");
    std::string entry(text.substr(at, end - at));
    at = end;
    return entry;
  }

  std::string quoted() {
    const char quote = text[at++];
    std::string entry;
    while (true) {
      if (at >= text.size()) fail("a closing quote");
      const char c = text[at++];
      if (c == quote) return entry;
      if (c == '\\') {
        escaped(entry);
      } else {
        entry += c;
      }
    }
  }

  void escaped(std::string& entry) {
    if (at >= text.size()) fail("a character behind '\\'");
    const char c = text[at++];
    switch (c) {
      case 'n':
        entry += '\n';
        return;
      case 't':
        entry += '\t';
        return;
      case 'r':
        entry += '\r';
        return;
      case 'x':
        code_point(2, entry);
        return;
      case 'u':
        code_point(4, entry);
        return;
      case 'U':
        code_point(8, entry);
        return;
      default:
        entry += c;
    }
  }

  void code_point(size_t digits, std::string& entry) {
    if (at + digits > text.size()) fail("hexadecimal digits");
    uint32_t code = 0;
    for (size_t d = 0; d < digits; ++d) {
      const char c = text[at++];
      if (!std::isxdigit(static_cast<unsigned char>(c))) fail("hexadecimal digits");
      code = code * 16 + static_cast<uint32_t>(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    }
    append_utf8(code, entry);
  }

  static void append_utf8(uint32_t code, std::string& out) {
    const auto put = [&](uint32_t byte) { out += static_cast<char>(byte); };
    if (code < 0x80) {
      put(code);
    } else if (code < 0x800) {
      put(0xC0 | code >> 6);
      put(0x80 | (code & 63));
    } else if (code < 0x10000) {
      put(0xE0 | code >> 12);
      put(0x80 | (code >> 6 & 63));
      put(0x80 | (code & 63));
    } else {
      put(0xF0 | code >> 18);
      put(0x80 | (code >> 12 & 63));
      put(0x80 | (code >> 6 & 63));
      put(0x80 | (code & 63));
    }
  }
};

}  // namespace

std::string read_text(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in || std::filesystem::is_directory(file)) {
    throw DataError(
        "cannot read '", file.string(),
        "': ", std::filesystem::exists(file) ? "it is no readable file" : "there is no such file");
  }
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (in.bad()) throw DataError("reading '", file.string(), "' failed: ", std::strerror(errno));
  return text;
}

void write_text(const std::filesystem::path& file, std::string_view bytes) {
  const std::filesystem::path temporary = file.string() + c10::str(".tmp", ::getpid());
  try {
    const Descriptor descriptor(temporary, O_WRONLY | O_CREAT | O_TRUNC);
    if (descriptor.get() < 0) fail_write(file);
    for (size_t done = 0; done < bytes.size();) {
      const ssize_t wrote = ::write(descriptor.get(), bytes.data() + done, bytes.size() - done);
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote <= 0) fail_write(file);
      done += static_cast<size_t>(wrote);
    }
    if (::fsync(descriptor.get()) != 0) fail_write(file);
    if (::rename(temporary.c_str(), file.c_str()) != 0) fail_write(file);
  } catch (const DataError&) {
    ::unlink(temporary.c_str());
    throw;
  }
  flush_folder(file.parent_path());
}

torch::Tensor read_npy(const std::filesystem::path& file) {
  const std::string bytes = read_text(file);
  if (bytes.size() < 12 || !std::string_view(bytes).starts_with(kNpyMagic)) {
    throw DataError("'", file.string(), "' is no .npy file; write it with numpy.save");
  }
  const auto byte = [&](size_t i) {
    return static_cast<size_t>(static_cast<unsigned char>(bytes[i]));
  };
  const bool is_long = bytes[6] >= 2;  // format 2 and 3 have a 4-byte length
  const size_t begin = is_long ? 12 : 10;
  const size_t length =
      byte(8) + (byte(9) << 8) + (is_long ? (byte(10) << 16) + (byte(11) << 24) : 0);
  if (begin + length > bytes.size())
    throw DataError("'", file.string(), "' ends inside its .npy header");
  const std::string header = bytes.substr(begin, length);

  const std::string described = npy_field(header, "descr", file);
  const auto type =
      npy_types().find(described.size() > 2 ? described.substr(1, described.size() - 2) : "");
  if (type == npy_types().end()) {
    throw DataError("'", file.string(), "' holds values of type ", described,
                    "; expected little-endian float16, float32, float64, int32 or int64");
  }
  if (npy_field(header, "fortran_order", file) != "False") {
    throw DataError("'", file.string(),
                    "' is stored column by column; save it with numpy.ascontiguousarray");
  }
  torch::Tensor value =
      torch::empty(npy_shape(npy_field(header, "shape", file), file), type->second);
  if (bytes.size() - begin - length != value.nbytes()) {
    throw DataError("'", file.string(), "' holds ", bytes.size() - begin - length,
                    " bytes of values; its shape needs ", value.nbytes());
  }
  if (value.nbytes() > 0)
    std::memcpy(value.mutable_data_ptr(), bytes.data() + begin + length, value.nbytes());
  return value;
}

void write_npy(const std::filesystem::path& file, const torch::Tensor& value) {
  const torch::Tensor plain = value.detach().cpu().contiguous();
  const auto type = std::find_if(npy_types().begin(), npy_types().end(), [&](const auto& entry) {
    return entry.second == plain.scalar_type();
  });
  if (type == npy_types().end())
    throw DataError("cannot write values of type ", plain.scalar_type(), " as .npy");
  std::string shape;
  for (const int64_t size : plain.sizes()) shape += c10::str(size, ", ");
  if (plain.dim() > 1) shape.resize(shape.size() - 2);
  std::string header =
      "{'descr': '" + type->first + "', 'fortran_order': False, 'shape': (" + shape + "), }";
  header.resize((10 + header.size() + 1 + 63) / 64 * 64 - 10 - 1,
                ' ');  // values start at a multiple of 64 bytes
  header += '\n';
  std::string bytes(kNpyMagic);
  bytes += '\1';
  bytes += '\0';
  bytes += static_cast<char>(header.size() & 255);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  bytes.append(static_cast<const char*>(plain.const_data_ptr()), plain.nbytes());
  write_text(file, bytes);
}

int64_t Csv::column(std::string_view name) const {
  const auto found = std::find(header.begin(), header.end(), name);
  if (found == header.end()) {
    throw DataError(file, ":1: there is no column '", std::string(name), "'; the columns are ",
                    c10::Join(", ", header));
  }
  return found - header.begin();
}

Csv read_csv(const std::filesystem::path& file) {
  std::string text = read_text(file);
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  Csv csv;
  csv.file = file.string();
  CsvParser parser{text, csv.file};
  if (parser.done()) throw DataError("'", csv.file, "' is empty; expected a header and rows");
  csv.header = parser.row();
  while (!parser.done()) {
    const int64_t line = parser.line;
    std::vector<std::string> row = parser.row();
    if (row.size() == 1 && row[0].empty() && csv.header.size() > 1) continue;  // a blank line
    if (row.size() != csv.header.size()) {
      throw DataError(csv.file, ":", line, ": ", row.size(), " fields; the header has ",
                      csv.header.size());
    }
    csv.rows.push_back(std::move(row));
    csv.line.push_back(line);
  }
  return csv;
}

std::vector<std::string> parse_list_literal(std::string_view text) {
  return ListParser{text}.list();
}

std::string sha256(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1) {
    throw Error("the system's crypto library cannot compute SHA-256");
  }
  constexpr char kHex[] = "0123456789abcdef";
  std::string hex;
  for (unsigned i = 0; i < length; ++i) {
    hex += kHex[digest[i] >> 4];
    hex += kHex[digest[i] & 15];
  }
  return hex;
}

}  // namespace tsrec::io
