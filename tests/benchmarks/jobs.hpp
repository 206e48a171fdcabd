// One function for each benchmark; each prints JSON lines.
#pragma once

#include <filesystem>
#include <string>

namespace tsrec::bench {

struct JobOptions {
  std::filesystem::path folder = "bench";  // the world, and files that are exchanged with a peer
  std::filesystem::path data;              // Industrial as MiniOneRec ships it; empty: generated
  std::filesystem::path model;             // cold-start, forward, encoding: a Hugging Face folder
  int64_t rows = 0, repeats = 3;           // rows: 0 is the job's own number
  std::string shape = "T256", device = "cpu", precision = "float32";  // machine.hpp
  std::string only;  // sequential: one of its models
  bool ablations = false;
};

void write_model(const JobOptions& options);  // random weights in the shape of Qwen2.5-0.5B
void run_roof();
void run_k_means(const JobOptions& options);     // A1
void run_sft(const JobOptions& options);         // B
void run_decoding(const JobOptions& options);    // C
void run_grpo(const JobOptions& options);        // D
void run_profile(const JobOptions& options);     // parts of an update of B and of D
void run_forward(const JobOptions& options);     // few tokens of the 0.5B checkpoint
void run_cold_start(const JobOptions& options);  // F1
void run_tokenizing(const JobOptions& options);  // F2
void run_encoding(const JobOptions& options);    // G1
void run_sequential(const JobOptions& options);  // E1, E2, E4, E5
void run_tiger(const JobOptions& options);       // E3

}  // namespace tsrec::bench
