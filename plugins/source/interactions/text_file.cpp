#include "text_file.hpp"

#include <zlib.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "utf8.hpp"

namespace tsrec::interactions {
namespace {

constexpr size_t kPiece = 1 << 20;
constexpr size_t kLongestLine = size_t{256} << 20;
constexpr int64_t kLinesBetweenLooks = 1 << 16;  // at progress and whether to stop

}  // namespace

TextFile::TextFile(const std::filesystem::path& file, Encoding encoding, Context& context)
    : path_(file), encoding_(encoding), context_(context), buffer_(kPiece, '\0') {
  if (std::filesystem::is_directory(file))
    throw DataError("'", file.string(), "' is a folder; name the file itself");
  file_ = ::gzopen(file.c_str(), "rb");
  if (file_ == nullptr)
    throw DataError("cannot read ", file.string(), ": ", std::generic_category().message(errno));
  try {
    ::gzbuffer(file_, kPiece);
    std::error_code none;
    bytes_ = static_cast<int64_t>(std::filesystem::file_size(file, none));
    if (none) bytes_ = 0;
    fill();
    refuse_other_files();
  } catch (...) {
    ::gzclose_r(file_);
    throw;
  }
}

TextFile::~TextFile() { ::gzclose_r(file_); }

void TextFile::refuse_other_files() {
  const std::string_view head(buffer_.data(), end_);
  const auto refuse = [&](const char* what) { throw DataError(path_.string(), what); };
  if (head.starts_with("version https://git-lfs.github.com/spec/"))
    refuse(
        " holds nothing but the pointer that git-lfs leaves in its place; run 'git lfs pull' in "
        "its folder, or download the file itself");
  if (head.starts_with("PK\x03\x04"))
    refuse(" is a zip archive; unpack it, and name the file or folder that comes out");
  if (head.starts_with("\xFF\xFE") || head.starts_with("\xFE\xFF"))
    refuse(" is written in UTF-16; save it as UTF-8");
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (head.starts_with(kByteOrderMark)) begin_ = kByteOrderMark.size();
}

// More of the file behind what is yet to be given; false at the end.
bool TextFile::fill() {
  if (is_at_end_) return false;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) {
    if (buffer_.size() >= kLongestLine)
      throw DataError(place(line_ + 1), "this line is longer than ", kLongestLine >> 20,
                      " MB; expected a text file with one record a line");
    buffer_.resize(2 * buffer_.size());
  }
  const int count =
      ::gzread(file_, buffer_.data() + end_, static_cast<unsigned>(buffer_.size() - end_));
  int error = Z_OK;
  const char* const sentence = ::gzerror(file_, &error);
  if (error == Z_BUF_ERROR)
    throw DataError(path_.string(), " ends in the middle of its gzip data; fetch the file again");
  if (count < 0 && error == Z_ERRNO)
    throw DataError("cannot read ", path_.string(), ": ", std::generic_category().message(errno));
  if (count < 0)
    throw DataError(path_.string(), " is damaged (", sentence, "); fetch the file again");
  is_at_end_ = count == 0;
  end_ += static_cast<size_t>(count);
  return count > 0;
}

std::optional<std::string_view> TextFile::next() {
  size_t looked_at = 0;  // bytes of this line that hold no line feed
  while (true) {
    const char* const from = buffer_.data() + begin_;
    const void* const found = std::memchr(from + looked_at, '\n', end_ - begin_ - looked_at);
    if (found == nullptr) {
      looked_at = end_ - begin_;
      if (fill()) continue;
      if (begin_ == end_) {
        report(bytes_);
        return std::nullopt;
      }
    }
    const size_t length = found == nullptr
                              ? end_ - begin_
                              : static_cast<size_t>(static_cast<const char*>(found) - from);
    std::string_view line(buffer_.data() + begin_, length);
    begin_ += length + (found == nullptr ? 0 : 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (++line_ % kLinesBetweenLooks == 0) {
      if (context_.stopping()) throw Interrupted("stopped; it starts again next time");
      report(static_cast<int64_t>(::gzoffset(file_)));
    }
    return decoded(line);
  }
}

// Short files are read before anybody could look.
void TextFile::report(int64_t read) const {
  if (bytes_ > 0 && line_ >= kLinesBetweenLooks)
    context_.progress("reading " + path_.filename().string(), std::min(read, bytes_), bytes_);
}

std::string_view TextFile::decoded(std::string_view line) {
  if (encoding_ == Encoding::as_it_comes) return line;
  if (encoding_ != Encoding::latin1 && is_utf8(line)) return line;
  if (encoding_ == Encoding::utf8) {
    room_ = line;
    replaced_ += replace_surrogates(room_);
    if (!is_utf8(room_))
      throw DataError(place(),
                      "a byte of this line is no UTF-8; save the file as UTF-8, or set the "
                      "source's `encoding` to \"latin1\" if that is what it is written in");
    return room_;
  }
  room_ = from_latin1(line);
  converted_ += room_ != line ? 1 : 0;
  return room_;
}

void TextFile::add_remarks(Remarks& remarks) const {
  if (converted_ > 0)
    remarks["lines of '" + path_.filename().string() + "' read as ISO-8859-1"] += converted_;
  if (replaced_ > 0) remarks["halves of characters (surrogates), replaced by U+FFFD"] += replaced_;
}

}  // namespace tsrec::interactions
