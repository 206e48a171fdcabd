// What sources, encoders, quantizers, resolvers and extractors give: from files to SIDs and what
// they mean.
#include "boundary/tensors.hpp"
#include "tsrec/boundary.hpp"
#include "tsrec/trie.hpp"

namespace tsrec::boundary {
namespace {

constexpr size_t kMaxLevels = 26;  // one letter each
constexpr int64_t kSampled = 16;   // rows that are asked for twice

bool is_int64_vector(const torch::Tensor& x, int64_t length) {
  return is_cpu_tensor(x, torch::kInt64) && x.dim() == 1 && x.size(0) == length &&
         x.is_contiguous();
}

std::span<const int64_t> values_of(const torch::Tensor& x) {
  return {x.const_data_ptr<int64_t>(), static_cast<size_t>(x.numel())};
}

void check_vector(const torch::Tensor& x, int64_t length, const std::string& name,
                  const char* meaning) {
  if (!is_int64_vector(x, length))
    throw BrokenPart("load() gave ", described(x), " as ", name, "; expected int64 [", length,
                     "], contiguous, ", meaning);
}

void check_ids(const torch::Tensor& ids, int64_t num_items, const std::string& name) {
  for (const int64_t id : values_of(ids)) {
    if (id < 0 || id >= num_items)
      throw BrokenPart("load() gave item ", id, " in ", name, "; expected numbers of items, 0 .. ",
                       num_items - 1);
  }
}

bool is_utf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const size_t length = lead < 0x80       ? 1
                          : lead >> 5 == 6  ? 2
                          : lead >> 4 == 14 ? 3
                          : lead >> 3 == 30 ? 4
                                            : 0;
    if (length == 0 || at + length > text.size()) return false;
    for (size_t i = 1; i < length; ++i) {
      if ((static_cast<unsigned char>(text[at + i]) & 0xC0) != 0x80) return false;
    }
    at += length;
  }
  return true;
}

// The rows as bytes, so that they can be looked up.
std::string_view row_of(const torch::Tensor& code_NL, int64_t row) {
  const int64_t levels = code_NL.size(1);
  return {reinterpret_cast<const char*>(code_NL.const_data_ptr<int64_t>() + row * levels),
          static_cast<size_t>(levels) * sizeof(int64_t)};
}

}  // namespace

// --- source --------------------------------------------------------------------------------------
void check_samples(const Samples& samples, Split split, int64_t num_items) {
  const auto called = [&](const char* tensor) { return c10::str(name(split), ".", tensor); };
  const int64_t rows = samples.size();
  check_vector(samples.target_S, rows, called("target_S"), "an item for every row");
  check_vector(samples.user_S, rows, called("user_S"), "a user for every row");
  check_vector(samples.time_S, rows, called("time_S"), "a time for every row");
  check_vector(samples.offset_S1, rows + 1, called("offset_S1"),
               "where every row's history begins, and the end");
  const int64_t entries = samples.history_H.defined() ? samples.history_H.numel() : 0;
  check_vector(samples.history_H, entries, called("history_H"), "the items of all histories");
  if (samples.history_time_H.defined())
    check_vector(samples.history_time_H, entries, called("history_time_H"),
                 "a time for each item of all histories");
  check_ids(samples.target_S, num_items, called("target_S"));
  check_ids(samples.history_H, num_items, called("history_H"));
  for (const int64_t user : values_of(samples.user_S)) {
    if (user < 0)
      throw BrokenPart("load() gave user ", user, " in ", called("user_S"),
                       "; expected numbers that are not negative");
  }
  int64_t before = 0;
  const std::span<const int64_t> offset = values_of(samples.offset_S1);
  for (size_t row = 0; row < offset.size(); ++row) {
    const bool is_first = row == 0, is_last = row + 1 == offset.size();
    if (offset[row] < before || (is_first && offset[row] != 0) ||
        (is_last && offset[row] != entries))
      throw BrokenPart("load() gave ", offset[row], " at place ", row, " of ", called("offset_S1"),
                       "; expected numbers from 0 to ", entries,
                       " that do not fall, one piece of history_H for each row");
    before = offset[row];
  }
}

void check_dataset(const Dataset& data) {
  for (const Split split : {Split::train, Split::valid, Split::test})
    check_samples(data.split(split), split, data.items.size());
}

void check_sids(const SidTable& sids, int64_t num_items, const char* method) {
  const torch::Tensor& code_NL = sids.code_NL;
  const auto levels = static_cast<int64_t>(sids.sizes.size());
  if (levels == 0 || sids.sizes.size() > kMaxLevels)
    throw BrokenPart(method, " gave sizes of ", levels, " levels; expected 1 .. ", kMaxLevels);
  if (!is_cpu_tensor(code_NL, torch::kInt64) || !code_NL.is_contiguous() ||
      code_NL.sizes() != at::IntArrayRef({num_items, levels}))
    throw BrokenPart(method, " gave ", described(code_NL), " as code_NL; expected int64 [",
                     num_items, ", ", levels, "], contiguous, a SID for every item");
  const int64_t* code = code_NL.const_data_ptr<int64_t>();
  bool all_are_whole = true;
  for (int64_t item = 0; item < num_items; ++item) {
    bool has_ended = false;
    for (int64_t level = 0; level < levels; ++level, ++code) {
      const int64_t size = sids.sizes[static_cast<size_t>(level)];
      if (*code < -1 || *code >= size || (level == 0 && *code < 0))
        throw BrokenPart(method, " gave item ", item, " the code ", *code, " at level ", level,
                         "; expected 0 .. ", size - 1,
                         level == 0 ? ", as sizes say" : ", as sizes say, or -1 behind its end");
      if (*code >= 0 && has_ended)
        throw BrokenPart(method, " gave item ", item, " a code at level ", level,
                         ", behind the end (-1) of its SID; expected -1 up to the last level");
      has_ended = has_ended || *code < 0;
    }
    all_are_whole = all_are_whole && !has_ended;
  }
  if (all_are_whole) return;  // SIDs of one length begin no others
  try {
    Trie::build(sids, Vocabulary(sids, 0));
  } catch (const DataError& error) {
    throw BrokenPart(method, " gave SIDs that make no tree: ", error.what());
  }
}

// --- encoder -------------------------------------------------------------------------------------
void check_vectors(const torch::Tensor& x_ND, int64_t num_items) {
  constexpr const char* kMeaning = "a vector for every item";
  if (!x_ND.defined() || x_ND.dim() != 2)
    throw BrokenPart("encode() gave ", described(x_ND), "; expected float32 [", num_items, ", D], ",
                     kMeaning);
  check_floats(x_ND, {num_items, x_ND.size(1)}, "encode()", kMeaning);
}

// --- quantizer -----------------------------------------------------------------------------------
void check_sizes(const std::vector<int64_t>& sizes) {
  if (sizes.empty() || sizes.size() > kMaxLevels)
    throw BrokenPart("sizes() gave ", sizes.size(), " levels; expected 1 .. ", kMaxLevels);
  for (const int64_t size : sizes) {
    if (size < 1)
      throw BrokenPart("sizes() gave [", c10::Join(", ", sizes),
                       "]; expected at least 1 code at every level");
  }
}

void check_codes(const torch::Tensor& code_NL, const std::vector<int64_t>& sizes,
                 int64_t num_rows) {
  check_sizes(sizes);
  const auto levels = static_cast<int64_t>(sizes.size());
  if (!is_cpu_tensor(code_NL, torch::kInt64) ||
      code_NL.sizes() != at::IntArrayRef({num_rows, levels}))
    throw BrokenPart("encode() gave ", described(code_NL), "; expected int64 [", num_rows, ", ",
                     levels, "], a row for every item and a code for each level of sizes()");
  const torch::Tensor plain_NL = code_NL.contiguous();
  const int64_t* code = plain_NL.const_data_ptr<int64_t>();
  for (int64_t row = 0; row < num_rows; ++row) {
    for (int64_t level = 0; level < levels; ++level, ++code) {
      const int64_t size = sizes[static_cast<size_t>(level)];
      if (*code < 0 || *code >= size)
        throw BrokenPart("encode() gave the code ", *code, " at level ", level, " of row ", row,
                         "; expected 0 .. ", size - 1, ", as sizes() says");
    }
  }
}

void check_decoded(const torch::Tensor& x_ND, int64_t num_rows) {
  constexpr const char* kMeaning = "a vector for every row of codes";
  if (!x_ND.defined() || x_ND.dim() != 2)
    throw BrokenPart("decode() gave ", described(x_ND), "; expected float32 [", num_rows, ", D], ",
                     kMeaning);
  check_floats(x_ND, {num_rows, x_ND.size(1)}, "decode()", kMeaning);
}

void check_distances(const torch::Tensor& distance_NK, int64_t num_rows, int64_t size) {
  check_floats(distance_NK, {num_rows, size}, "distances()",
               "a squared distance to every code of the level");
}

void check_pure(const Quantizer& quantizer, const torch::Tensor& x_ND) {
  const int64_t rows = std::min(kSampled, x_ND.size(0));
  if (rows == 0) return;
  const torch::Tensor few_ND =
      x_ND.index_select(0, torch::arange(rows) * (x_ND.size(0) / rows)).contiguous();
  const std::vector<int64_t> sizes = quantizer.sizes();
  const torch::Tensor once_NL = quantizer.encode(few_ND), again_NL = quantizer.encode(few_ND);
  check_codes(once_NL, sizes, rows);
  check_codes(again_NL, sizes, rows);
  if (!torch::equal(once_NL, again_NL))
    throw BrokenPart("encode() gave other codes for the same ", rows,
                     " rows when it was asked again; expected a function of the row alone");
}

// --- resolver ------------------------------------------------------------------------------------
void check_collisions(const SidTable& sids, const torch::Tensor& code_NL) {
  const torch::Tensor before_NL = code_NL.contiguous();
  std::map<std::string_view, int64_t> first_of;  // a SID -> the first item that has it
  for (int64_t item = 0; item < sids.num_items(); ++item) {
    const auto [first, is_new] = first_of.emplace(row_of(sids.code_NL, item), item);
    if (is_new || row_of(before_NL, first->second) == row_of(before_NL, item)) continue;
    throw BrokenPart("resolve() gave the items ", first->second, " and ", item, " the one SID ",
                     sids.text(item),
                     ", but their codes differ; expected no collision that was none before");
  }
}

// --- extractor -----------------------------------------------------------------------------------
void check_notes(const std::vector<TokenNote>& notes, const std::vector<TokenCluster>& clusters) {
  size_t next = 0;
  for (const TokenNote& note : notes) {
    while (next < clusters.size() && clusters[next].token != note.token) ++next;
    if (next == clusters.size())
      throw BrokenPart("extract() gave a note of '", note.token,
                       "', which is no token of a cluster, or stands twice or out of their order; "
                       "expected at most one note for each cluster, in the order of the clusters");
    ++next;
    if (note.description.empty() && note.keywords.empty())
      throw BrokenPart("extract() gave an empty note of ", note.token,
                       "; expected a description or keywords, or no note");
    if (!is_utf8(note.description))
      throw BrokenPart("extract() gave a description of ", note.token,
                       " that is no UTF-8; expected UTF-8");
    for (const std::string& keyword : note.keywords) {
      if (keyword.empty() || !is_utf8(keyword))
        throw BrokenPart("extract() gave a keyword of ", note.token,
                         " that is empty or no UTF-8; expected words in UTF-8");
    }
  }
}

}  // namespace tsrec::boundary
