// What trackers write, read back by code of its own.
#include "tsrec/parts/tracker.hpp"

#include <bit>
#include <cmath>
#include <nlohmann/json.hpp>

#include "support/support.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::test {
namespace {

namespace fs = std::filesystem;

// CRC-32C a bit at a time, from its definition: the message as a polynomial, bits in the order in
// which they are sent, modulo 0x1EDC6F41.
uint32_t slow_crc32c(std::string_view bytes) {
  uint32_t rest = 0xFFFFFFFFU;
  for (const char c : bytes) {
    for (int bit = 0; bit < 8; ++bit) {
      const bool sent = ((static_cast<unsigned char>(c) >> bit) & 1U) != 0;
      const bool high = (rest >> 31) != 0;
      rest = (rest << 1) ^ (sent != high ? 0x1EDC6F41U : 0U);
    }
  }
  uint32_t reversed = 0;
  for (int bit = 0; bit < 32; ++bit) reversed |= ((rest >> bit) & 1U) << (31 - bit);
  return ~reversed;
}

uint64_t number_of(std::string_view bytes) {  // little-endian
  uint64_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;)
    value = (value << 8) | static_cast<unsigned char>(bytes[i]);
  return value;
}

// The payloads of a TFRecord file; every length and every payload is followed by its checksum.
std::vector<std::string> records_of(const std::string& file) {
  const auto has_crc = [&](size_t begin, size_t count) {
    const uint32_t crc = slow_crc32c(std::string_view(file).substr(begin, count));
    const uint32_t masked = ((crc >> 15) | (crc << 17)) + 0xA282EAD8U;
    return number_of(std::string_view(file).substr(begin + count, 4)) == masked;
  };
  std::vector<std::string> records;
  for (size_t at = 0; at < file.size();) {
    EXPECT_TRUE(has_crc(at, 8)) << "length at " << at;
    const size_t count = number_of(std::string_view(file).substr(at, 8));
    EXPECT_LE(at + 12 + count + 4, file.size());
    if (at + 12 + count + 4 > file.size()) break;
    EXPECT_TRUE(has_crc(at + 12, count)) << "payload at " << at;
    records.push_back(file.substr(at + 12, count));
    at += 12 + count + 4;
  }
  return records;
}

// Fields of a protobuf message by their numbers: the bits of numbers, the bytes of the rest.
struct Message {
  std::map<uint64_t, uint64_t> numbers;
  std::map<uint64_t, std::string> bytes;
};
Message message_in(std::string_view text) {
  const auto take = [&](size_t count) {
    const std::string_view taken = text.substr(0, count);
    EXPECT_EQ(taken.size(), count);
    text.remove_prefix(taken.size());
    return taken;
  };
  const auto varint = [&] {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1)[0]);
      value |= static_cast<uint64_t>(byte & 0x7FU) << shift;
      if (byte < 0x80) break;
    }
    return value;
  };
  Message message;
  while (!text.empty()) {
    const uint64_t key = varint();
    switch (key & 7U) {
      case 0:
        message.numbers[key >> 3] = varint();
        break;
      case 1:
        message.numbers[key >> 3] = number_of(take(8));
        break;
      case 2:
        message.bytes[key >> 3] = std::string(take(varint()));
        break;
      case 5:
        message.numbers[key >> 3] = number_of(take(4));
        break;
      default:
        ADD_FAILURE() << "wire type " << (key & 7U);
        return message;
    }
  }
  return message;
}

struct Point {
  std::string tag;
  float value;
  int64_t step;
};
std::vector<Point> points_of(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  EXPECT_EQ(files.size(), 1u) << folder;
  EXPECT_TRUE(files.front().filename().string().starts_with("events.out.tfevents."));
  const std::vector<std::string> records = records_of(io::read_text(files.front()));
  EXPECT_EQ(message_in(records.at(0)).bytes.at(3), "brain.Event:2");
  std::vector<Point> points;
  for (size_t i = 1; i < records.size(); ++i) {
    const Message event = message_in(records[i]);
    EXPECT_NEAR(std::bit_cast<double>(event.numbers.at(1)), static_cast<double>(std::time(nullptr)),
                600);
    const Message value = message_in(message_in(event.bytes.at(5)).bytes.at(1));
    points.push_back({value.bytes.at(1),
                      std::bit_cast<float>(static_cast<uint32_t>(value.numbers.at(2))),
                      static_cast<int64_t>(event.numbers.at(2))});
  }
  return points;
}

TEST(TensorBoard, TheChecksumOfThisTestIsThePublishedOne) {
  // RFC 3720, appendix B.4, and the check value of CRC-32/ISCSI.
  EXPECT_EQ(slow_crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(slow_crc32c(std::string(32, '\xFF')), 0x62A8AB43U);
  std::string up, down;
  for (int i = 0; i < 32; ++i) {
    up += static_cast<char>(i);
    down += static_cast<char>(31 - i);
  }
  EXPECT_EQ(slow_crc32c(up), 0x46DD794EU);
  EXPECT_EQ(slow_crc32c(down), 0x113FDB5CU);
  EXPECT_EQ(slow_crc32c("123456789"), 0xE3069283U);
}

TEST(TensorBoard, EveryPointIsReadBack) {
  const TempFolder folder;
  TestContext context;
  const auto tracker = make_part<Tracker>("tensorboard", context);
  tracker->open({"toy", folder.path(), ""});
  const std::vector<int64_t> steps = {0, 1, 127, 128, 300, 1'000'000'007, int64_t{1} << 40, -1};
  const torch::Tensor random = torch::randn({static_cast<int64_t>(steps.size())}, torch::kFloat64);
  for (size_t i = 0; i < steps.size(); ++i) {
    tracker->number("stage.sft", "train.loss", random[static_cast<int64_t>(i)].item<double>(),
                    steps[i]);
    if (i % 2 == 0) tracker->number("stage.grpo", "a name of " + std::string(200, 'x'), 1e300, 7);
  }
  tracker->number("stage.sft", "not a number", std::nan(""), 3);
  // Read before it is closed: somebody looks on while the run goes on.
  const std::vector<Point> sft = points_of(folder.path() / "tensorboard" / "stage.sft"),
                           grpo = points_of(folder.path() / "tensorboard" / "stage.grpo");
  tracker->close();
  ASSERT_EQ(sft.size(), steps.size() + 1);
  for (size_t i = 0; i < steps.size(); ++i) {
    EXPECT_EQ(sft[i].tag, "train.loss");
    EXPECT_EQ(sft[i].step, steps[i]);
    EXPECT_EQ(sft[i].value, static_cast<float>(random[static_cast<int64_t>(i)].item<double>()));
  }
  EXPECT_TRUE(std::isnan(sft.back().value));
  ASSERT_EQ(grpo.size(), steps.size() / 2);
  EXPECT_EQ(grpo[0].tag, "a name of " + std::string(200, 'x'));
  EXPECT_TRUE(std::isinf(grpo[0].value)) << "beyond the floats";
}

TEST(JsonLines, ALineForEachNumber) {
  const TempFolder folder;
  TestContext context;
  const auto tracker = make_part<Tracker>("jsonl", context, {{"file", "numbers.jsonl"}});
  tracker->open({"toy", folder.path(), ""});
  tracker->number("stage.sft", "train.loss", 0.1, 3);
  tracker->number("quantize", "a \"name\"", 2, -1);
  tracker->number("quantize", "nan", std::nan(""), 0);
  const std::string now = io::read_text(folder.path() / "numbers.jsonl");
  tracker->close();
  EXPECT_EQ(now,
            "{\"stage\":\"stage.sft\",\"name\":\"train.loss\",\"step\":3,\"value\":0.1}\n"
            "{\"stage\":\"quantize\",\"name\":\"a \\\"name\\\"\",\"step\":-1,\"value\":2.0}\n"
            "{\"stage\":\"quantize\",\"name\":\"nan\",\"step\":0,\"value\":null}\n");
}

TEST(Trackers, TwoDoNotWriteIntoOnePlace) {
  const TempFolder folder;
  TestContext context;
  for (const char* name : {"jsonl", "tensorboard"}) {
    const auto one = make_part<Tracker>(name, context), other = make_part<Tracker>(name, context);
    one->open({"toy", folder.path(), ""});
    EXPECT_TRUE(contains(message_of<DataError>([&] {
                           other->open({"toy", folder.path(), ""});
                         }),
                         "there already"));
  }
  for (const char* wrong : {"", "..", "/tmp/x", "a/b"}) {
    EXPECT_THROW(make_part<Tracker>("jsonl", context, {{"file", wrong}}), ConfigError) << wrong;
    EXPECT_THROW(make_part<Tracker>("tensorboard", context, {{"folder", wrong}}), ConfigError)
        << wrong;
  }
}

}  // namespace
}  // namespace tsrec::test
