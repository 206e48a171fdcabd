// G1: item texts to vectors, by a folder of sentence-transformers.
#include <nlohmann/json.hpp>

#include "jobs.hpp"
#include "measure.hpp"
#include "tsrec/io/files.hpp"
#include "tsrec/parts/encoder.hpp"
#include "tsrec/parts/source.hpp"
#include "tsrec/testing/subject.hpp"
#include "world.hpp"

namespace tsrec::bench {
namespace {

// The first `count` of the catalogue's items (0: all), with their texts.
Items catalogue_items(const JobOptions& options, Context& context) {
  const Items all = kit::make_part<Source>(plugin_file("source", "published_files"), "lc_rec",
                                           context, {{"folder", options.data.string()}})
                        ->load(context)
                        .items;
  if (options.rows == 0 || options.rows >= all.size()) return all;
  std::vector<std::string> keys, texts;
  for (int64_t item = 0; item < options.rows; ++item) keys.push_back(all.key(item));
  Items first(keys);
  for (const char* column : {"title", "description"}) {
    texts.clear();
    for (int64_t item = 0; item < options.rows; ++item) texts.emplace_back(all.text(column, item));
    first.set(column, texts);
  }
  return first;
}

}  // namespace

void run_encoding(const JobOptions& options) {
  if (options.data.empty() || options.model.empty())
    throw ConfigError(
        "encoding needs --data (a folder in LC-Rec's layout) and --model (a folder of "
        "sentence-transformers)");
  const Machine machine = machine_of(options);
  MachineContext context(machine);
  const Items items = catalogue_items(options, context);
  std::filesystem::create_directories(options.folder);
  std::string lines;  // for the peer
  for (const std::string& text : item_texts(items, {"title", "description"}))
    lines += nlohmann::json(text).dump() + "\n";
  io::write_text(options.folder / "item_texts.jsonl", lines);

  torch::Tensor x_ND;
  Line line("G1", "item texts to vectors, with loading the model", machine);
  line.seconds(timed(options.repeats, [&] {
    context.counters.clear();
    x_ND = kit::make_part<Encoder>(plugin_file("encoder", "transformer"), "transformer", context,
                                   {{"path", options.model.string()}})
               ->encode({items}, context);
  }));
  io::write_npy(options.folder / "item_vectors.npy", x_ND);
  line.rate("texts_per_second", static_cast<double>(items.size()))
      .work(context.counters)
      .set("texts", items.size())
      .print();
}

}  // namespace tsrec::bench
