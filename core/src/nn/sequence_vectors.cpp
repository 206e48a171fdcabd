#include "tsrec/nn/sequence_vectors.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>

#include "nn/equal_rows.hpp"
#include "tsrec/nn/replicas.hpp"
#include "tsrec/unit_rows.hpp"

namespace tsrec::nn {
namespace {

using Row = std::vector<int32_t>;

// Numbers of rows, distinct ones once: shortest first, rows of one length in their order.
struct Distinct {
  std::vector<size_t> order;     // of distinct rows
  std::vector<int64_t> place_N;  // of each row in that order
};

Distinct distinct_rows(std::span<const Row> rows) {
  std::map<std::span<const int32_t>, size_t,
           decltype([](std::span<const int32_t> a, std::span<const int32_t> b) {
             return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
           })>
      first_of;
  Distinct distinct;
  std::vector<size_t> first_N;
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto [found, is_new] = first_of.emplace(rows[i], i);
    if (is_new) distinct.order.push_back(i);
    first_N.push_back(found->second);
  }
  std::stable_sort(distinct.order.begin(), distinct.order.end(),
                   [&](size_t a, size_t b) { return rows[a].size() < rows[b].size(); });
  std::vector<int64_t> place_of(rows.size());
  for (size_t place = 0; place < distinct.order.size(); ++place)
    place_of[distinct.order[place]] = static_cast<int64_t>(place);
  for (const size_t first : first_N) distinct.place_N.push_back(place_of[first]);
  return distinct;
}

// Places [begin, end) of the order.
struct Batch {
  size_t begin, end;
};

std::vector<Batch> batches_of(std::span<const Row> rows, const std::vector<size_t>& order,
                              int64_t batch_tokens) {
  std::vector<Batch> batches;
  int64_t tokens = 0;
  for (size_t place = 0; place < order.size(); ++place) {
    const auto length = static_cast<int64_t>(rows[order[place]].size());
    if (batches.empty() || tokens + length > batch_tokens) {
      batches.push_back({place, place});
      tokens = 0;
    }
    batches.back().end = place + 1;
    tokens += length;
  }
  return batches;
}

PackedBatch packed_rows(std::span<const Row> rows, std::span<const size_t> chosen) {
  std::vector<int64_t> tokens, positions;
  PackedBatch batch;
  for (const size_t i : chosen) {
    batch.segments.push_back({.begin = static_cast<int32_t>(tokens.size()),
                              .length = static_cast<int32_t>(rows[i].size())});
    tokens.insert(tokens.end(), rows[i].begin(), rows[i].end());
    for (size_t position = 0; position < rows[i].size(); ++position)
      positions.push_back(static_cast<int64_t>(position));
  }
  batch.token_T = torch::tensor(tokens, torch::kInt64);
  batch.position_T = torch::tensor(positions, torch::kInt64);
  return batch;
}

// [rows, D] float32 of rows of one length [rows, length, D].
torch::Tensor pooled(const torch::Tensor& h_RLD, const SequenceVectorOptions& options) {
  switch (options.pooling) {
    case Pooling::mean:
      return h_RLD.slice(1, options.outside_mean).to(torch::kFloat32).mean(1);
    case Pooling::cls:
      return h_RLD.select(1, 0).to(torch::kFloat32);
    case Pooling::last:
      return h_RLD.select(1, -1).to(torch::kFloat32);
  }
  throw Error("a pooling of no known kind");
}

}  // namespace

torch::Tensor sequence_vectors(std::span<const std::vector<int32_t>> rows, int64_t width,
                               const HiddenStates& hidden, const SequenceVectorOptions& options,
                               Context& context) {
  const torch::NoGradGuard no_grad;
  Distinct distinct = distinct_rows(rows);
  const auto total = static_cast<int64_t>(distinct.order.size());
  torch::Tensor x_KD = torch::zeros({total, width}, torch::kFloat32);
  // Those without a token to pool come first, and stay zeros.
  const size_t least =
      options.pooling == Pooling::mean ? static_cast<size_t>(options.outside_mean) : 0;
  const auto begin = std::partition_point(distinct.order.begin(), distinct.order.end(),
                                          [&](size_t i) { return rows[i].size() <= least; }) -
                     distinct.order.begin();
  const std::vector<size_t> asked(distinct.order.begin() + begin, distinct.order.end());
  const std::vector<Batch> batches = batches_of(rows, asked, options.batch_tokens);
  std::mutex saying;
  int64_t done = begin;

  const auto compute = [&](const Batch& batch) {
    if (context.stopping())
      throw Interrupted("the vectors of the texts were not finished; they start again next time");
    const PackedBatch packed =
        packed_rows(rows, std::span(asked).subspan(batch.begin, batch.end - batch.begin));
    const torch::Tensor h_TD = hidden(packed);
    auto place = begin + static_cast<int64_t>(batch.begin);
    for (const EqualRows& equal : equal_rows(packed.segments)) {
      const torch::Tensor h_RLD =
          h_TD.slice(0, equal.begin, equal.end()).view({equal.rows, equal.length, width});
      x_KD.slice(0, place, place + equal.rows).copy_(pooled(h_RLD, options));
      place += equal.rows;
    }
    const std::lock_guard lock(saying);
    done += static_cast<int64_t>(batch.end - batch.begin);
    context.progress("encoding texts", done, total);
  };
  // A worker that has finished takes the next one: what becomes of a batch does not depend on whose
  // it is.
  std::atomic<size_t> taken = 0;
  run_workers(num_workers(context.device()), [&](int64_t) {
    for (size_t b = taken++; b < batches.size(); b = taken++) compute(batches[b]);
  });

  if (options.normalize) x_KD = unit_rows(x_KD);
  return x_KD.index_select(0, torch::tensor(distinct.place_N, torch::kInt64));
}

}  // namespace tsrec::nn
