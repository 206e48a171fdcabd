#include "event_file.hpp"

#include <bit>

#include "crc32c.hpp"
#include "tsrec/error.hpp"

namespace {

// --- protobuf: a field is its number and wire type, then its value

constexpr uint32_t kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5;

template <class Unsigned>
std::string little_endian(Unsigned value) {
  std::string bytes;
  for (size_t i = 0; i < sizeof(value); ++i) bytes += static_cast<char>((value >> (8 * i)) & 0xFFU);
  return bytes;
}

std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7FU) | 0x80U);
  return bytes + static_cast<char>(value);
}

std::string tag_of(uint32_t field, uint32_t type) { return varint((field << 3) | type); }

std::string double_field(uint32_t field, double value) {
  return tag_of(field, kFixed64) + little_endian(std::bit_cast<uint64_t>(value));
}
std::string float_field(uint32_t field, float value) {
  return tag_of(field, kFixed32) + little_endian(std::bit_cast<uint32_t>(value));
}
std::string int_field(uint32_t field, int64_t value) {
  return tag_of(field, kVarint) + varint(static_cast<uint64_t>(value));
}
std::string bytes_field(uint32_t field, std::string_view bytes) {
  return tag_of(field, kBytes) + varint(bytes.size()) + std::string(bytes);
}

// --- Event: wall_time = 1, step = 2, file_version = 3, summary = 5; Summary: value = 1;
// Summary.Value: tag = 1, simple_value = 2

std::string version_event(double wall_seconds) {
  return double_field(1, wall_seconds) + bytes_field(3, "brain.Event:2");
}

std::string scalar_event(std::string_view tag, float value, int64_t step, double wall_seconds) {
  const std::string point = bytes_field(1, tag) + float_field(2, value);
  return double_field(1, wall_seconds) + int_field(2, step) + bytes_field(5, bytes_field(1, point));
}

// --- TFRecord: length, its checksum, the bytes, their checksum. Checksums are rotated and shifted,
// because a checksum of bytes that hold checksums says little.

std::string masked_crc(std::string_view bytes) {
  return little_endian(std::rotr(crc32c(bytes), 15) + 0xA282EAD8U);
}

std::string record(const std::string& bytes) {
  const std::string length = little_endian(static_cast<uint64_t>(bytes.size()));
  return length + masked_crc(length) + bytes + masked_crc(bytes);
}

}  // namespace

EventFile::EventFile(std::filesystem::path file, double wall_seconds)
    : file_(std::move(file)), out_(file_, std::ios::binary) {
  write(version_event(wall_seconds));
}

void EventFile::scalar(std::string_view tag, float value, int64_t step, double wall_seconds) {
  write(scalar_event(tag, value, step, wall_seconds));
}

void EventFile::write(const std::string& event) {
  out_ << record(event) << std::flush;
  if (!out_) throw tsrec::DataError("cannot write '", file_.string(), "'; is there space?");
}
