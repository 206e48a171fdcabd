#include "nn/kv_prefix.hpp"

#include "tsrec/nn/transfer.hpp"

namespace tsrec::nn {

std::vector<KvPrefix::Run> KvPrefix::chain(int32_t segment) const {
  std::vector<Run> runs;
  for (int32_t s = segment; s >= 0; s = segments()[static_cast<size_t>(s)].parent) {
    const auto [block, begin] = place_S_[static_cast<size_t>(s)];
    const int64_t length = segments()[static_cast<size_t>(s)].length;
    const bool is_joined = rank_[static_cast<size_t>(block)] > 0 && !runs.empty() &&
                           runs.back().block == block && runs.back().begin == begin + length;
    if (is_joined) {
      runs.back().begin = begin;
      runs.back().length += length;
    } else {
      runs.push_back({block, begin, length});
    }
  }
  std::reverse(runs.begin(), runs.end());
  return runs;
}

// Whether each segment is one token behind the forward before: kSteps of those in a row are texts
// that grow, and no search through SIDs.
bool KvPrefix::is_step(const PackedBatch& batch) const {
  const int32_t last = static_cast<int32_t>(blocks_.size()) - 1;
  const auto num_past = static_cast<int32_t>(place_S_.size());  // a parent may be in the batch
  return std::all_of(batch.segments.begin(), batch.segments.end(), [&](const Segment& segment) {
    return segment.length == 1 && segment.parent >= 0 && segment.parent < num_past &&
           place_S_[static_cast<size_t>(segment.parent)].block == last;
  });
}

void KvPrefix::append(const PackedBatch& batch, std::shared_ptr<const Block> block) {
  const bool has_graph = block->front().key.requires_grad();
  rank_.push_back(is_step(batch) && !has_graph ? 0 : kWhole);
  ModelState::append(batch);
  for (const Segment& segment : batch.segments)
    place_S_.push_back({static_cast<int32_t>(blocks_.size()), segment.begin});
  blocks_.push_back(std::move(block));
  for (int rank = joined_rank(); rank != kWhole; rank = joined_rank()) join(rank);
}

int KvPrefix::joined_rank() const {
  if (rank_.size() < kSteps) return kWhole;
  const int rank = rank_.back();
  const bool are_equal = std::all_of(rank_.end() - static_cast<std::ptrdiff_t>(kSteps), rank_.end(),
                                     [&](int other) { return other == rank; });
  return are_equal ? rank : kWhole;
}

// The last kSteps blocks become one, in which a segment follows its parent where it is the first of
// its children.
void KvPrefix::join(int rank) {
  const size_t first = blocks_.size() - kSteps;
  std::vector<int64_t> offset;  // of each block's rows
  int64_t num_rows = 0;
  for (size_t b = first; b < blocks_.size(); ++b) {
    offset.push_back(num_rows);
    num_rows += blocks_[b]->front().key.size(0);
  }
  size_t oldest = place_S_.size();  // segment whose tokens lie there
  while (oldest > 0 && place_S_[oldest - 1].block >= static_cast<int32_t>(first)) --oldest;
  std::vector<std::vector<size_t>> children(place_S_.size() - oldest);
  std::vector<size_t> open;  // those whose parents are placed, the next one last
  for (size_t s = place_S_.size(); s-- > oldest;) {
    const int32_t parent = segments()[s].parent;
    if (parent >= static_cast<int32_t>(oldest)) {
      children[static_cast<size_t>(parent) - oldest].push_back(s);
    } else {
      open.push_back(s);
    }
  }
  std::vector<int64_t> row_T;  // what lies there in the blocks as they are
  row_T.reserve(static_cast<size_t>(num_rows));
  while (!open.empty()) {
    const size_t s = open.back();
    open.pop_back();
    Place& place = place_S_[s];
    const int64_t begin = offset[static_cast<size_t>(place.block) - first] + place.begin;
    place = {static_cast<int32_t>(first), static_cast<int64_t>(row_T.size())};
    for (int64_t t = 0; t < segments()[s].length; ++t) row_T.push_back(begin + t);
    open.insert(open.end(), children[s - oldest].begin(), children[s - oldest].end());
  }
  const torch::Tensor row =
      to_device(torch::tensor(row_T, torch::kInt64), blocks_.back()->front().key.device());
  auto whole = std::make_shared<Block>();
  for (size_t layer = 0; layer < blocks_.back()->size(); ++layer) {
    std::vector<torch::Tensor> keys, values;
    for (size_t b = first; b < blocks_.size(); ++b) {
      keys.push_back((*blocks_[b])[layer].key);
      values.push_back((*blocks_[b])[layer].value);
    }
    whole->push_back(
        {torch::cat(keys).index_select(0, row), torch::cat(values).index_select(0, row)});
  }
  blocks_.resize(first);
  blocks_.push_back(std::move(whole));
  rank_.resize(first);
  rank_.push_back(rank + 1);
}

State KvPrefix::detached() const {
  auto copy = std::make_shared<KvPrefix>(*this);
  for (std::shared_ptr<const Block>& block : copy->blocks_) {
    auto plain = std::make_shared<Block>(*block);
    for (KeyValue& layer : *plain) layer = {layer.key.detach(), layer.value.detach()};
    block = std::move(plain);
  }
  return copy;
}

}  // namespace tsrec::nn
