// F2: rows of the data set to token ids, from the CSV files on, by the Qwen tokenizer.
#include <ATen/Parallel.h>

#include "jobs.hpp"
#include "measure.hpp"
#include "tsrec/parts/source.hpp"
#include "tsrec/testing/subject.hpp"
#include "world.hpp"

namespace tsrec::bench {

void run_tokenizing(const JobOptions& options) {
  if (options.data.empty() || options.model.empty())
    throw ConfigError(
        "tokenizing needs --data (Industrial) and --model (a folder with a tokenizer)");
  kit::TestContext context;
  const text::Tokenizer plain = text::Tokenizer::load(options.model);  // both sides have it ready
  int64_t rows = 0, tokens = 0;
  Line line("F2", "next-item rows of all splits");
  line.seconds(timed(options.repeats, [&] {
    const auto source =
        kit::make_part<Source>(plugin_file("source", "published_files"), "minionerec", context,
                               {{"folder", options.data.string()}});
    const Dataset data = source->load(context);
    const SidTable sids = *source->sids(data.items, context);
    text::Tokenizer tokenizer = plain;
    const Vocabulary vocabulary(sids, static_cast<int32_t>(tokenizer.size()));
    std::vector<std::string> added;
    for (const NewToken& token : vocabulary.tokens()) added.push_back(token.text);
    tokenizer.add(added);
    const PromptCompiler compiler(wording_of({"aligned"}), tokenizer, sids, vocabulary);
    rows = tokens = 0;
    for (const Split split : {Split::train, Split::valid, Split::test}) {
      const Samples& samples = data.split(split);
      std::vector<int64_t> lengths(static_cast<size_t>(samples.size()));
      at::parallel_for(0, samples.size(), 256, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) {
          const CompiledExample example = next_item(compiler, samples, row);
          lengths[static_cast<size_t>(row)] =
              static_cast<int64_t>(example.prompt.size() + example.target.size());
        }
      });
      rows += samples.size();
      for (const int64_t length : lengths) tokens += length;
    }
  }));
  line.rate("rows_per_second", static_cast<double>(rows)).set("rows", rows).set("tokens", tokens);
  line.print();
}

}  // namespace tsrec::bench
