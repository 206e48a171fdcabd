// F1: from nothing to the first token of a checkpoint. The whole process is timed from outside.
#include "jobs.hpp"
#include "measure.hpp"
#include "tsrec/parts/causal_backbone.hpp"
#include "tsrec/testing/subject.hpp"
#include "world.hpp"

namespace tsrec::bench {

void write_model(const JobOptions& options) {
  const nn::LmShape shape = shape_named("0.5B");
  nn::CausalLm model(shape, torch::kBFloat16, torch::kCPU);
  model.init_random(at::detail::createCPUGenerator(17));
  std::filesystem::create_directories(options.model);
  model.save(options.model);
  nn::write_hf_config(shape, /*eos_id=*/151643, options.model);
}

void run_cold_start(const JobOptions& options) {
  const double begin = Clock::now().wall;
  kit::TestContext context;
  const auto backbone =
      kit::make_part<Backbone>(plugin_file("backbone", "decoder_lm"), "pretrained", context,
                               {{"path", options.model.string()}});
  backbone->prepare({}, context);
  const double loaded = Clock::now().wall;
  const torch::NoGradGuard no_grad;
  CompiledExample row;
  row.prompt = backbone->tokenizer().encode("Which stainless steel screws fit a wooden deck?");
  row.target = {0};
  const nn::PackedBatch batch = nn::pack(std::span(&row, 1), {}).front();
  const torch::Tensor last = backbone->hidden(batch, {})[-1];
  const auto token =
      nn::logits(backbone->head(), last.unsqueeze(0), {0, backbone->tokenizer().size()})
          .argmax()
          .item<int64_t>();
  std::printf(
      "{\"id\":\"F1\",\"variant\":\"inside the process\",\"load_seconds\":%.3f,"
      "\"first_token_seconds\":%.3f,\"token\":%ld}\n",
      loaded - begin, Clock::now().wall - loaded, token);
}

}  // namespace tsrec::bench
