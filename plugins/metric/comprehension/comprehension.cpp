// Does the model know its items? Title -> SID and SID -> title (paper 5.5, Figure 5), beam 5.
#include "tsrec/decode/decoder.hpp"
#include "tsrec/parts/metric.hpp"

namespace {

using namespace tsrec;

struct Settings {
  int64_t beams = 5, limit = 0, max_tokens = 64;
  void declare(Options& o) {
    o.add("beams", beams).range(1, 1000).help("answers of each question");
    o.add("limit", limit)
        .at_least(0)
        .unit("items")
        .help("ask about that many evenly spaced items; 0: about all with a title");
    o.add("max_tokens", max_tokens).range(1, 4096).unit("tokens").help("longest written title");
  }
};

std::vector<int64_t> asked_items(const Items& items, int64_t limit) {
  std::vector<int64_t> titled;
  for (int64_t item = 0; item < items.size(); ++item) {
    if (!items.text("title", item).empty()) titled.push_back(item);
  }
  const auto available = static_cast<int64_t>(titled.size());
  if (limit == 0 || limit >= available) return titled;
  std::vector<int64_t> chosen;
  for (int64_t i = 0; i < limit; ++i)
    chosen.push_back(titled[static_cast<size_t>(i * available / limit)]);
  return chosen;
}

std::string trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t\r\n"), end = text.find_last_not_of(" \t\r\n");
  return begin == std::string::npos ? "" : text.substr(begin, end - begin + 1);
}

class Comprehension : public Metric, public NeedsDecoder {
 public:
  explicit Comprehension(const Settings& settings) : settings_(settings) {}
  Numbers measure(const Evaluation&, Context&) const override {
    return {};
  }  // asks the model itself

  Numbers measure_with(const nn::LanguageModel& model, const TaskInputs& inputs,
                       const PromptCompiler& compiler, const Trie& trie,
                       Context& context) const override {
    const std::vector<int64_t> items = asked_items(inputs.data.items, settings_.limit);
    if (items.empty()) throw DataError("metric '", name(), "': no item has a title to ask about");
    std::vector<std::vector<int32_t>> prompts;
    for (const int64_t item : items)
      prompts.push_back(compiler.compile(question(item, inputs.data.items)).prompt);
    decode::DecodeOptions options;
    options.beams = std::min(settings_.beams, trie.num_leaves());
    const decode::Decoder decoder(model, trie, options);
    int64_t first = 0, any = 0;
    count_correct(decoder, prompts, items, inputs, compiler, first, any, context);
    const auto share = [&](int64_t count) {
      return static_cast<double>(count) / static_cast<double>(items.size());
    };
    return {{c10::str(name(), ".top1"), share(first), {}, Better::higher},
            {c10::str(name(), ".any", options.beams), share(any), {}, Better::higher}};
  }

 protected:
  virtual const char* name() const = 0;
  virtual Example question(int64_t item, const Items& items) const = 0;
  virtual void count_correct(const decode::Decoder& decoder,
                             std::span<const std::vector<int32_t>> prompts,
                             std::span<const int64_t> items, const TaskInputs& inputs,
                             const PromptCompiler& compiler, int64_t& first, int64_t& any,
                             Context& context) const = 0;
  Settings settings_;
};

class TitleToSid final : public Comprehension {
 public:
  TitleToSid(const Settings& settings, Context&) : Comprehension(settings) {}

 protected:
  const char* name() const override { return "title_to_sid"; }
  Example question(int64_t item, const Items& items) const override {
    Example example;
    example.form = "title_to_sid";
    example.slots = {{"title", {Piece::text(std::string(items.text("title", item)))}},
                     {"answer", {Piece::sid(item)}}};
    return example;
  }
  void count_correct(const decode::Decoder& decoder, std::span<const std::vector<int32_t>> prompts,
                     std::span<const int64_t> items, const TaskInputs& inputs,
                     const PromptCompiler&, int64_t& first, int64_t& any,
                     Context& context) const override {
    const Rankings rankings = decoder.rank(prompts, context);
    const std::vector<int64_t> group_N = inputs.sids.group_N();
    const auto item = rankings.item_SM.accessor<int64_t, 2>();
    for (size_t row = 0; row < items.size(); ++row) {
      std::vector<int64_t> leaves;  // distinct SIDs, best first
      for (int64_t m = 0; m < item.size(1); ++m) {
        const int64_t candidate = item[static_cast<int64_t>(row)][m];
        if (candidate < 0) continue;
        const int64_t group = group_N[static_cast<size_t>(candidate)];
        if (std::find(leaves.begin(), leaves.end(), group) == leaves.end()) leaves.push_back(group);
      }
      const int64_t wanted = group_N[static_cast<size_t>(items[row])];
      first += !leaves.empty() && leaves.front() == wanted;
      any += std::find(leaves.begin(), leaves.end(), wanted) != leaves.end();
    }
  }
};

class SidToTitle final : public Comprehension {
 public:
  SidToTitle(const Settings& settings, Context&) : Comprehension(settings) {}

 protected:
  const char* name() const override { return "sid_to_title"; }
  Example question(int64_t item, const Items& items) const override {
    Example example;
    example.form = "sid_to_title";
    example.slots = {{"item", {Piece::sid(item)}},
                     {"answer", {Piece::text(std::string(items.text("title", item)))}}};
    return example;
  }
  void count_correct(const decode::Decoder& decoder, std::span<const std::vector<int32_t>> prompts,
                     std::span<const int64_t> items, const TaskInputs& inputs,
                     const PromptCompiler& compiler, int64_t& first, int64_t& any,
                     Context& context) const override {
    const auto written = decoder.write(prompts,
                                       {.max_new_tokens = settings_.max_tokens,
                                        .eos = compiler.tokenizer().eos(),
                                        .num_tokens = compiler.tokenizer().size()},
                                       context);
    for (size_t row = 0; row < items.size(); ++row) {
      const std::string wanted = trimmed(std::string(inputs.data.items.text("title", items[row])));
      bool found = false;
      for (size_t answer = 0; answer < written[row].size(); ++answer) {
        const bool is_right = trimmed(compiler.tokenizer().decode(written[row][answer])) == wanted;
        first += is_right && answer == 0;
        found = found || is_right;
      }
      any += found;
    }
  }
};

}  // namespace

TSREC_PLUGIN("tsrec.comprehension", "0.1.0",
             tsrec::part<tsrec::Metric, TitleToSid, Settings>(
                 "title_to_sid_accuracy", /*revision=*/2,
                 "Share of titles that are answered with the item's SID"),
             tsrec::part<tsrec::Metric, SidToTitle, Settings>(
                 "sid_to_title_accuracy", /*revision=*/2,
                 "Share of SIDs that are answered with the item's title"))
