#include "tsrec/io/files.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "io/atomic_file.hpp"

namespace tsrec::io {
namespace {

[[noreturn]] void cannot_read(const std::filesystem::path& file, int error) {
  throw DataError("cannot read ", file.string(), ": ", std::generic_category().message(error));
}

class ReadDescriptor {
 public:
  explicit ReadDescriptor(const std::filesystem::path& file)
      : value_(::open(file.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (value_ < 0) cannot_read(file, errno);
  }
  ~ReadDescriptor() { ::close(value_); }
  ReadDescriptor(const ReadDescriptor&) = delete;
  ReadDescriptor& operator=(const ReadDescriptor&) = delete;
  int value() const { return value_; }

 private:
  int value_;
};

size_t size_of(const ReadDescriptor& descriptor, const std::filesystem::path& file) {
  struct stat facts = {};
  if (::fstat(descriptor.value(), &facts) != 0) cannot_read(file, errno);
  return static_cast<size_t>(facts.st_size);
}

}  // namespace

std::string read_text(const std::filesystem::path& file) {
  const ReadDescriptor descriptor(file);
  // One byte more than the size: the read that finds the end needs room. Pipes have size 0 and
  // grow.
  std::string bytes(size_of(descriptor, file) + 1, '\0');
  size_t filled = 0;
  while (true) {
    if (filled == bytes.size()) bytes.resize(2 * bytes.size());
    const ssize_t count = ::read(descriptor.value(), bytes.data() + filled, bytes.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) cannot_read(file, errno);
    if (count == 0) break;
    filled += static_cast<size_t>(count);
  }
  bytes.resize(filled);
  return bytes;
}

void write_text(const std::filesystem::path& file, std::string_view bytes) {
  AtomicFile out(file);
  out.write(bytes);
  out.commit();
}

namespace {

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    check(context_ != nullptr && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
  }
  void add(std::string_view bytes) {
    check(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
  }
  std::string hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    check(EVP_DigestFinal_ex(context_.get(), digest.data(), &size) == 1);
    static constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (unsigned int i = 0; i < size; ++i) {
      text += kDigits[digest[i] >> 4];
      text += kDigits[digest[i] & 15];
    }
    return text;
  }

 private:
  static void check(bool worked) {
    if (!worked) throw Error("the OpenSSL library refuses to compute SHA-256");
  }
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace

std::string sha256(std::string_view bytes) {
  Sha256 sum;
  sum.add(bytes);
  return sum.hex();
}

std::string sha256_of_file(const std::filesystem::path& file) {
  const ReadDescriptor descriptor(file);
  Sha256 sum;
  // Of most files, which are small, making room for more would take longer than their digest.
  constexpr size_t kLeast = 1 << 12, kMost = 1 << 20;
  std::string piece(std::clamp(size_of(descriptor, file) + 1, kLeast, kMost), '\0');
  while (true) {
    const ssize_t count = ::read(descriptor.value(), piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) cannot_read(file, errno);
    if (count == 0) return sum.hex();
    sum.add({piece.data(), static_cast<size_t>(count)});
  }
}

}  // namespace tsrec::io
