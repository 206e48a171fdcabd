// tsrec_bench JOB: see README.md beside this file.
#include <ATen/Parallel.h>

#include <cxxopts.hpp>
#include <iostream>

#include "jobs.hpp"
#include "tsrec/memory.hpp"
#include "world.hpp"

int main(int argc, char** argv) {
  using namespace tsrec::bench;
  cxxopts::Options words("tsrec_bench", "Benchmarks; every line of output is JSON");
  JobOptions options;
  int threads = 2;
  words.add_options()(
      "job",
      "world, model, roof, k-means, sft, decoding, grpo, profile, forward, cold-start, tokenizing, "
      "encoding, sequential, tiger",
      cxxopts::value<std::string>())("folder", "where the world lies",
                                     cxxopts::value(options.folder))(
      "data", "MiniOneRec's Industrial folder; without it the world is generated",
      cxxopts::value(options.data))("model", "cold-start, forward, model: a Hugging Face folder",
                                    cxxopts::value(options.model))(
      "rows", "rows, prompts or users; 0: the job's own number", cxxopts::value(options.rows))(
      "repeats", "timed runs behind the one that warms up", cxxopts::value(options.repeats))(
      "threads", "threads of both sides", cxxopts::value(threads))(
      "shape", "world: T256, 135M, 0.5B or 1.5B", cxxopts::value(options.shape))(
      "device", "world, sft, decoding, grpo: cpu or cuda", cxxopts::value(options.device))(
      "precision", "of the same: float32 or bfloat16", cxxopts::value(options.precision))(
      "only", "sequential: sasrec, gru4rec, caser or hstu", cxxopts::value(options.only))(
      "ablations", "also without each of the tricks", cxxopts::value(options.ablations));
  words.parse_positional({"job"});
  try {
    const auto parsed = words.parse(argc, argv);
    at::set_num_threads(threads);
    tsrec::keep_freed_memory();
    const std::string job = parsed["job"].as<std::string>();
    const std::map<std::string, std::function<void()>> jobs = {
        {"world", [&] { write_world(options); }},
        {"model", [&] { write_model(options); }},
        {"roof", [] { run_roof(); }},
        {"k-means", [&] { run_k_means(options); }},
        {"sft", [&] { run_sft(options); }},
        {"decoding", [&] { run_decoding(options); }},
        {"grpo", [&] { run_grpo(options); }},
        {"profile", [&] { run_profile(options); }},
        {"forward", [&] { run_forward(options); }},
        {"cold-start", [&] { run_cold_start(options); }},
        {"tokenizing", [&] { run_tokenizing(options); }},
        {"encoding", [&] { run_encoding(options); }},
        {"sequential", [&] { run_sequential(options); }},
        {"tiger", [&] { run_tiger(options); }}};
    const auto found = jobs.find(job);
    if (found == jobs.end()) throw tsrec::ConfigError("there is no benchmark '", job, "'");
    found->second();
  } catch (const std::exception& error) {
    std::cerr << "tsrec_bench: " << error.what() << '\n';
    return 2;
  }
  return 0;
}
