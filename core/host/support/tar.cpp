#include "support/tar.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>

#include <array>
#include <fstream>
#include <set>

#include "tsrec/error.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;

struct FreeEntry {
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};
struct FreeReader {
  void operator()(archive* reader) const { archive_read_free(reader); }
};
struct FreeWriter {
  void operator()(archive* writer) const { archive_write_free(writer); }
};

[[noreturn]] void refuse(const fs::path& file, archive* at) {
  const char* why = archive_error_string(at);
  throw DataError("'", file.string(), "': ", why != nullptr ? why : "no archive that can be used");
}

// libarchive takes names to be in the charset of the thread's locale, and writes them as UTF-8. The
// program has no locale of its own, in which names would have to be ASCII.
class Utf8Names {
 public:
  Utf8Names()
      : utf8_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)),
        before_(::uselocale(utf8_)) {}  // null: stays as it is
  ~Utf8Names() {
    ::uselocale(before_);
    if (utf8_ != nullptr) ::freelocale(utf8_);
  }
  Utf8Names(const Utf8Names&) = delete;
  Utf8Names& operator=(const Utf8Names&) = delete;

 private:
  locale_t utf8_, before_;
};

// A name below a folder, and not the way out of it.
bool stays_inside(const std::string& name) {
  const fs::path path(name);
  if (name.empty() || path.is_absolute()) return false;
  for (const fs::path& step : path) {
    if (step.empty() || step == "." || step == "..") return false;
  }
  return true;
}

}  // namespace

struct TarWriter::Impl {
  fs::path file;
  std::unique_ptr<archive, FreeWriter> writer{archive_write_new()};

  void header(const std::string& name, int64_t bytes) {
    const Utf8Names utf8;
    const std::unique_ptr<archive_entry, FreeEntry> entry(archive_entry_new());
    archive_entry_set_pathname(entry.get(), name.c_str());
    archive_entry_set_size(entry.get(), bytes);
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), 0644);
    archive_entry_set_mtime(entry.get(), 0, 0);
    if (archive_write_header(writer.get(), entry.get()) != ARCHIVE_OK) refuse(file, writer.get());
  }
  void data(const char* bytes, size_t count) {
    if (count > 0 &&
        archive_write_data(writer.get(), bytes, count) != static_cast<la_ssize_t>(count))
      refuse(file, writer.get());
  }
};

TarWriter::TarWriter(const fs::path& archive) : impl_(new Impl{archive}) {
  archive_write_set_format_pax_restricted(impl_->writer.get());
  if (archive_write_open_filename(impl_->writer.get(), archive.c_str()) != ARCHIVE_OK)
    refuse(archive, impl_->writer.get());
}

TarWriter::~TarWriter() = default;

void TarWriter::add_text(const std::string& name, const std::string& bytes) {
  impl_->header(name, static_cast<int64_t>(bytes.size()));
  impl_->data(bytes.data(), bytes.size());
}

void TarWriter::add_file(const std::string& name, const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  const auto bytes = static_cast<int64_t>(in ? fs::file_size(file) : 0);
  impl_->header(name, bytes);
  std::array<char, 1 << 16> buffer;
  int64_t copied = 0;
  while (in) {
    in.read(buffer.data(), buffer.size());
    impl_->data(buffer.data(), static_cast<size_t>(in.gcount()));
    copied += in.gcount();
  }
  if (copied != bytes || !in.eof())
    throw DataError("cannot read '", file.string(), "' as a whole; did it change meanwhile?");
}

void TarWriter::close() {
  if (archive_write_close(impl_->writer.get()) != ARCHIVE_OK)
    refuse(impl_->file, impl_->writer.get());
}

void unpack_tar(const fs::path& archive, const fs::path& folder) {
  const Utf8Names utf8;
  const std::unique_ptr<::archive, FreeReader> reader(archive_read_new());
  archive_read_support_format_tar(reader.get());
  constexpr size_t kBlock = 1 << 16;
  if (archive_read_open_filename(reader.get(), archive.c_str(), kBlock) != ARCHIVE_OK)
    refuse(archive, reader.get());
  std::set<std::string> known;
  archive_entry* entry = nullptr;
  for (;;) {
    const int result = archive_read_next_header(reader.get(), &entry);
    if (result == ARCHIVE_EOF) return;
    if (result != ARCHIVE_OK) refuse(archive, reader.get());
    const char* path = archive_entry_pathname(entry);
    const std::string name = path != nullptr ? path : "";
    if (!stays_inside(name))
      throw DataError("'", archive.string(), "' names a file '", name,
                      "', which leads out of its folder; nothing was taken");
    const bool is_link =
        archive_entry_hardlink(entry) != nullptr || archive_entry_symlink(entry) != nullptr;
    if (archive_entry_filetype(entry) != AE_IFREG || is_link)
      throw DataError("'", archive.string(), "' holds '", name,
                      "', which is no plain file; nothing was taken");
    if (!known.insert(name).second)
      throw DataError("'", archive.string(), "' holds '", name, "' twice; nothing was taken");
    const fs::path file = folder / name;
    fs::create_directories(file.parent_path());
    std::ofstream out(file, std::ios::binary);
    std::array<char, kBlock> buffer;
    for (;;) {
      const la_ssize_t got = archive_read_data(reader.get(), buffer.data(), buffer.size());
      if (got < 0) refuse(archive, reader.get());
      if (got == 0) break;
      out.write(buffer.data(), got);
    }
    out.close();
    if (!out) throw DataError("cannot write '", file.string(), "'; is the disk full?");
  }
}

}  // namespace tsrec::host
