// The world of benchmarks B, C and D: Industrial (or a generated catalogue of its shape), a decoder
// with random weights of one of the shapes, and rows of token ids. It lies in a folder, so that
// other stacks read the same bytes.
#pragma once

#include "machine.hpp"
#include "tsrec/decode/decoder.hpp"
#include "tsrec/parts/backbone.hpp"
#include "tsrec/parts/trainer.hpp"
#include "tsrec/trie.hpp"

namespace tsrec::bench {

namespace fs = std::filesystem;

// Writes model/, train.jsonl, test.jsonl, catalogue.jsonl and facts.json. The model is trained for
// a few steps: beam paths depend on values.
void write_world(const JobOptions& options);

class World {
 public:
  explicit World(const JobOptions& options);  // its folder, device and precision

  std::shared_ptr<Backbone> make_backbone() const;
  std::vector<std::vector<int32_t>> prompts(const std::vector<CompiledExample>& rows) const;

  std::string id(char job) const { return id_of(job, shape_); }

  MachineContext mutable context;
  std::vector<CompiledExample> train, test;
  std::vector<int32_t> suffix;  // forced ids behind a SID
  SidTable sids;
  Vocabulary vocabulary;
  Trie trie;

 private:
  fs::path folder_;
  std::string shape_;
};

// [prompt] of fragments of configs/prompt; later ones win.
PromptWording wording_of(const std::vector<std::string>& fragments);
// A row in a wording.
CompiledExample next_item(const PromptCompiler& compiler, const Samples& samples, int64_t row);

// The built plugin file of a part.
fs::path plugin_file(const std::string& kind, const std::string& name);

// Codes with Industrial's branching: 48 first codes, about 48 second ones below each, 1.6 third
// ones.
SidTable generated_sids(int64_t num_items, Context& context);

// What other stacks read: rows of token ids, and each item's codes and SID.
void write_rows(const fs::path& file, const std::vector<CompiledExample>& rows);
void write_catalogue(const fs::path& file, const SidTable& sids, const Vocabulary& vocabulary);
// SID tokens and scores of the prompts' lists, one line each.
void write_lists(const decode::Decoder& decoder, const std::vector<std::vector<int32_t>>& prompts,
                 Context& context, const fs::path& file);

// The rows as every split of one task.
std::unique_ptr<ExampleSet> example_set(const std::vector<CompiledExample>& rows,
                                        const std::vector<int32_t>& suffix);

}  // namespace tsrec::bench
