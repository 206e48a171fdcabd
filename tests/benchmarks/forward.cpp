// Forwards of few tokens, as an answer to one user or a text needs them: the 0.5B checkpoint read
// as it is stored, packed by oneDNN, and whole in float32.
#include "measure.hpp"

namespace tsrec::bench {
namespace {

nn::PackedBatch tokens(int64_t count) {
  nn::PackedBatch batch;
  batch.token_T = batch.position_T = torch::arange(count);
  batch.segments = {{0, static_cast<int32_t>(count), -1, 0}};
  return batch;
}

void lines_of(const nn::CausalLm& model, const std::string& weights, int64_t repeats) {
  for (const int64_t count : {1, 4, 20, 50, 100}) {
    const nn::PackedBatch batch = tokens(count);
    Line line("forward", c10::str(weights, ", ", count, " tokens"));
    line.seconds(timed(repeats, [&] { model.hidden(batch, {}); }));
    line.work({{"flops", static_cast<int64_t>(model.flops_per_token()) * count}}).print();
  }
}

}  // namespace

void run_forward(const JobOptions& options) {
  const torch::NoGradGuard no_grad;
  nn::CausalLm model(shape_named("0.5B"), torch::kFloat32, torch::kCPU);
  model.load(options.model);
  lines_of(model, "as stored", options.repeats);
  const double before = Clock::now().wall;
  model.pack_weights();
  Line("forward", "packing").set("seconds", Clock::now().wall - before).print();
  lines_of(model, "packed", options.repeats);
  model.parameters();  // whoever trains has whole matrices
  lines_of(model, "whole", options.repeats);
}

}  // namespace tsrec::bench
