#include <ATen/Parallel.h>

#include "faults.hpp"
#include "tsrec/parts/encoder.hpp"
#include "tsrec/parts/extractor.hpp"
#include "tsrec/parts/recommender.hpp"
#include "tsrec/parts/resolver.hpp"
#include "tsrec/parts/source.hpp"

namespace tsrec::test {
namespace {

// --- any part: a quantizer stands for all --------------------------------------------------------
int64_t times_declared = 0;

struct FaultySettings {
  int64_t codes = 4, levels = 1;
  void declare(tsrec::Options& o) {
    Field& field = o.add("codes", codes).range(2, 8);
    if (!has_fault("no help")) field.help("values of every code");
    if (has_fault("another default each time")) levels = ++times_declared;
    o.add(has_fault("a key of the host") ? "use" : "levels", levels)
        .at_least(0)
        .help("codes of an item");
  }
};

// The first time, a thread that nobody joins before the test ends.
class LeftBehind {
 public:
  void start() {
    if (!thread_.joinable()) thread_ = std::thread([this] { is_over_.wait(false); });
  }
  void end() {
    is_over_ = true;
    is_over_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::atomic<bool> is_over_ = false;
  std::thread thread_;
};
LeftBehind left_behind;

class FaultyAnything final : public Quantizer {
 public:
  FaultyAnything(const FaultySettings& settings, Context&) : good_(1, 4) {
    if (has_fault("cannot be made")) throw std::runtime_error("no");
    if (has_fault("dies at the end of a range") && settings.codes == 8) throw 8;
  }
  void fit(const torch::Tensor& x_ND, Context& context) override {
    if (has_fault("prints")) std::cout << "fitting" << std::endl;
    if (has_fault("default generator")) torch::rand({1});
    if (has_fault("threads")) at::set_num_threads(at::get_num_threads() + 1);
    if (has_fault("leaves a thread")) left_behind.start();
    if (has_fault("joins a thread")) std::thread([] {}).join();
    good_.fit(x_ND, context);
  }
  torch::Tensor encode(const torch::Tensor& x_ND) const override { return good_.encode(x_ND); }
  torch::Tensor decode(const torch::Tensor& code_NL) const override {
    return good_.decode(code_NL);
  }
  std::vector<int64_t> sizes() const override { return good_.sizes(); }
  void save(ArtifactWriter& writer) const override { good_.save(writer); }
  void load(const ArtifactReader& reader) override { good_.load(reader); }

 private:
  kit::ToyQuantizer good_;
};

TEST(Conformance, RulesOfAnyPartCanBeBroken) {
  PartInfo info = part<Quantizer, FaultyAnything, FaultySettings>("faulty", 1, "Has a fault");
  EXPECT_EQ(broken_rules(info), std::set<std::string>());
  const auto expect = [&](const char* fault, const char* rule) {
    current_fault = fault;
    bool is_noticed = false;
    for (const std::string& broken : broken_rules(info))
      is_noticed = is_noticed || broken.starts_with(rule);
    EXPECT_TRUE(is_noticed) << fault;
    current_fault.clear();
  };
  expect("no help", "every option has");
  expect("a key of the host", "every option has");
  expect("another default each time", "declaring the options");
  expect("cannot be made", "it can be made twice");
  expect("dies at the end of a range", "at the ends of");
  // What belongs to the host is watched while every rule is tried.
  expect("prints", "decode() gives");
  expect("default generator", "decode() gives");
  expect("leaves a thread", "encode() gives");
  left_behind.end();
  current_fault = "joins a thread";
  EXPECT_EQ(broken_rules(info), std::set<std::string>());
  const int threads = at::get_num_threads();
  expect("threads", "decode() gives");
  at::set_num_threads(threads);
  info.name = "Faulty Name";
  expect("", "it has a name");
}

TEST(Conformance, WordingsThatAPartBringsAlongMustFitTheFrames) {
  PartInfo info = part<Quantizer, FaultyAnything, FaultySettings>("faulty", 1, "Has a fault");
  const auto seen = [&](Wordings (*wordings)()) {
    info.wordings = wordings;
    std::string details;
    for (const kit::Finding& finding : kit::conformance(kit::Subject(info))) {
      if (finding.verdict == kit::Verdict::broken) details += finding.rule + ": " + finding.detail;
    }
    return details;
  };
  const std::string rule = "the wordings that it brings along fit the usual frames: ";

  EXPECT_EQ(
      seen([] {
        return Wordings{{"mine", {{"instruction", "Say."}, {"input", "{x}"}, {"target", "{y}\n"}}}};
      }),
      "");
  const std::string no_instruction = seen([] {
    return Wordings{{"mine", {{"input", "{x}"}, {"target", "{y}\n"}}}};
  });
  EXPECT_TRUE(no_instruction.starts_with(rule)) << no_instruction;
  EXPECT_TRUE(contains(no_instruction, "[prompt.mine] gives no text for {instruction}"));
  const std::string shown = seen([] {
    return Wordings{{"mine", {{"instruction", ""}, {"input", "{y}"}, {"target", "{y}"}}}};
  });
  EXPECT_TRUE(contains(shown, "{y} is the answer and may not occur in the prompt as well"))
      << shown;
  const std::string bad_name = seen([] { return Wordings{{"My form", {{"target", "{y}"}}}}; });
  EXPECT_EQ(bad_name, rule + "'My form' is no name for a form; use a-z, 0-9 and _");
}

// --- quantizer -----------------------------------------------------------------------------------
class FaultyQuantizer final : public Quantizer, public HasDistances, public FaultySteps {
 public:
  FaultyQuantizer(const NoSettings&, Context& context)
      : good_(make_part<Quantizer>("rq_kmeans", context, {{"codes", "8"}})) {}
  void fit(const torch::Tensor& x_ND, Context& context) override {
    work_badly(context);
    torch::Tensor x = x_ND;
    if (has_fault("takes NaN")) x = torch::nan_to_num(x, 0, 0, 0);
    if (has_fault("changes its input")) x_ND.mul_(0.5);
    if (has_fault("a seed of its own")) x = x + 3 * torch::randn_like(x, context_generator());
    if (has_fault("dies of few rows") && x_ND.size(0) == 1) throw std::out_of_range("at");
    good_->fit(x, context);
  }
  torch::Tensor encode(const torch::Tensor& x_ND) const override {
    torch::Tensor code_NL = good_->encode(x_ND);
    if (has_fault("codes too large")) return code_NL + 1;
    if (has_fault("looks at other rows")) return (code_NL + x_ND.size(0)) % 8;
    return code_NL;
  }
  torch::Tensor decode(const torch::Tensor& code_NL) const override {
    const torch::Tensor x_ND = good_->decode(code_NL);
    return has_fault("decodes to doubles") ? x_ND.to(torch::kFloat64) : x_ND;
  }
  std::vector<int64_t> sizes() const override { return good_->sizes(); }
  void save(ArtifactWriter& writer) const override { good_->save(writer); }
  void load(const ArtifactReader& reader) override {
    if (!has_fault("loads nothing")) return good_->load(reader);
    TestContext context(99);
    good_->fit(kit::toy_vectors(320) * -1, context);
  }
  torch::Tensor distances(const torch::Tensor& x_ND, const torch::Tensor& code_NL,
                          int64_t level) const override {
    const torch::Tensor distance_NK =
        dynamic_cast<const HasDistances&>(*good_).distances(x_ND, code_NL, level);
    return has_fault("negative distances") ? distance_NK - 1000 : distance_NK;
  }

 private:
  static at::Generator context_generator() {
    static uint64_t seed = 0;
    return at::detail::createCPUGenerator(++seed);
  }
  std::shared_ptr<Quantizer> good_;
};

TEST(Conformance, RulesOfQuantizersCanBeBroken) {
  expect_every_rule_can_be_broken(
      faulty_part<Quantizer, FaultyQuantizer>(),
      with_step_faults({{"codes too large", "encode() gives one code per level"},
                        {"decodes to doubles", "decode() gives"},
                        {"looks at other rows", "encode() is a function of the row alone"},
                        {"changes its input", "equal vectors and seed"},
                        {"a seed of its own", "equal vectors and seed"},
                        {"loads nothing", "saved and loaded"},
                        {"dies of few rows", "one row, few rows"},
                        {"takes NaN", "no rows, NaN and infinity"},
                        {"negative distances", "distances to codes"}}));
}

// --- encoder -------------------------------------------------------------------------------------
class FaultyEncoder final : public Encoder {
 public:
  FaultyEncoder(const NoSettings&, Context& context)
      : good_(make_part<Encoder>("lsa", context, {{"dimensions", "4"}})) {}
  torch::Tensor encode(const EncoderInputs& inputs, Context& context) override {
    const Items& items = inputs.items;
    work_badly(context);
    if (has_fault("dies of no items") && items.size() == 0) throw std::out_of_range("at");
    if (has_fault("NaN without texts") && items.size() > 0 && items.text("title", 0).empty())
      return torch::full({items.size(), 4}, std::nan(""));
    const torch::Tensor x_ND = good_->encode(inputs, context);
    if (has_fault("a row too few")) return x_ND.slice(0, 1);
    static double calls = 0;
    return has_fault("differs every time") ? x_ND + ++calls : x_ND;
  }

 private:
  std::shared_ptr<Encoder> good_;
};

TEST(Conformance, RulesOfEncodersCanBeBroken) {
  expect_every_rule_can_be_broken(
      faulty_part<Encoder, FaultyEncoder>(),
      with_work_faults({{"a row too few", "one finite float32 vector"},
                        {"differs every time", "equal items and seed"},
                        {"dies of no items", "no items, one, and two"},
                        {"NaN without texts", "items without any text"}}));
}

// --- resolver ------------------------------------------------------------------------------------
class FaultyResolver final : public Resolver {
 public:
  FaultyResolver(const NoSettings&, Context& context)
      : good_(make_part<Resolver>("random_last", context)) {}
  SidTable resolve(const ResolverInputs& inputs, Context& context) override {
    work_badly(context);
    if (has_fault("dies of one item") && inputs.code_NL.size(0) == 1) throw std::out_of_range("at");
    SidTable sids = good_->resolve(inputs, context);
    static int64_t calls = 0;
    if (has_fault("differs every time")) sids.code_NL[0][0] = ++calls % 16;
    if (has_fault("code too large")) sids.code_NL[5][1] = 16;
    if (has_fault("one SID for all")) sids.code_NL.zero_();
    return sids;
  }

 private:
  std::shared_ptr<Resolver> good_;
};

TEST(Conformance, RulesOfResolversCanBeBroken) {
  expect_every_rule_can_be_broken(faulty_part<Resolver, FaultyResolver>(),
                                  with_work_faults({{"code too large", "every item gets a SID"},
                                                    {"one SID for all", "no two items collide"},
                                                    {"differs every time", "equal codes and seed"},
                                                    {"dies of one item", "no item, one item"}}));
}

// --- extractor -----------------------------------------------------------------------------------
class FaultyExtractor final : public Extractor {
 public:
  FaultyExtractor(const NoSettings&, Context& context)
      : good_(make_part<Extractor>("ctfidf", context)) {}
  std::vector<TokenNote> extract(const std::vector<TokenCluster>& clusters, const Items& items,
                                 Context& context) override {
    work_badly(context);
    if (has_fault("dies of one item") && items.size() == 1) throw std::out_of_range("at");
    auto notes = good_->extract(clusters, items, context);
    static int64_t calls = 0;
    if (has_fault("differs every time") && !notes.empty())
      notes[0].description += std::to_string(++calls);
    if (has_fault("out of order") && notes.size() > 1) std::swap(notes[0], notes[1]);
    return notes;
  }

 private:
  std::shared_ptr<Extractor> good_;
};

TEST(Conformance, RulesOfExtractorsCanBeBroken) {
  expect_every_rule_can_be_broken(
      faulty_part<Extractor, FaultyExtractor>(),
      with_work_faults({{"out of order", "at most one note"},
                        {"differs every time", "equal clusters"},
                        {"dies of one item", "no clusters, one item"}}));
}

// --- source --------------------------------------------------------------------------------------
class FaultySource final : public Source {
 public:
  FaultySource(const NoSettings&, Context& context)
      : good_(make_part<Source>("synthetic", context, {{"items", "40"}, {"users", "30"}})) {}
  Dataset load(Context& context) override {
    work_badly(context);
    Dataset data = good_->load(context);
    static int64_t calls = 0;
    if (has_fault("an item too many")) data.train.target_S[0] = 40;
    if (has_fault("trains on the future")) data.train.time_S += 1000000000;
    if (has_fault("differs every time")) data.train.target_S[0] = ++calls % 40;
    return data;
  }
  std::optional<SidTable> sids(const Items&, Context&) override {
    SidTable sids = kit::toy_sids(40);
    if (has_fault("a SID begins another")) sids.code_NL[3][2] = -1;
    return sids;
  }

 private:
  std::shared_ptr<Source> good_;
};

TEST(Conformance, RulesOfSourcesCanBeBroken) {
  expect_every_rule_can_be_broken(
      faulty_part<Source, FaultySource>(),
      with_work_faults({{"an item too many", "every number in every row"},
                        {"trains on the future", "no training row is later"},
                        {"differs every time", "loading again"},
                        {"a SID begins another", "SIDs that it ships"}}));
}

// --- recommender ---------------------------------------------------------------------------------
class FaultyRecommender final : public Recommender, public FaultySteps {
 public:
  FaultyRecommender(const NoSettings&, Context& context)
      : good_(make_part<Recommender>("markov", context)) {}
  void fit(const RecommenderInputs& inputs, Context& context) override {
    work_badly(context);
    if (has_fault("reads SIDs unasked") && inputs.sids == nullptr) throw std::logic_error("none");
    if (has_fault("wants three items") && inputs.data.items.size() < 3) throw std::logic_error("2");
    static int64_t fits = 0;
    shift_ = has_fault("differs every fit") ? ++fits : 0;
    good_->fit(inputs, context);
  }
  void step(int64_t index, Context& context) override {
    FaultySteps::step(index, context);
    if (has_fault("remembers its steps")) ++shift_;
  }
  Rankings rank(const Samples& samples, int64_t num_candidates, Context& context) override {
    Rankings rankings = good_->rank(samples, num_candidates, context);
    if (rankings.item_SM.numel() == 0) return rankings;
    if (has_fault("an item twice")) rankings.item_SM.select(1, 1) = rankings.item_SM.select(1, 0);
    if (has_fault("looks at the target")) rankings.score_SM += samples.target_S.unsqueeze(1);
    if (has_fault("looks at other rows"))
      rankings.item_SM = rankings.item_SM.roll(samples.size() % 7, 1);
    rankings.score_SM += shift_;
    return rankings;
  }
  void save(ArtifactWriter& writer) const override { good_->save(writer); }
  void load(const ArtifactReader& reader) override {
    good_->load(reader);
    if (has_fault("loads something else")) shift_ = 5;
  }

 private:
  std::shared_ptr<Recommender> good_;
  int64_t shift_ = 0;
};

TEST(Conformance, RulesOfRecommendersCanBeBroken) {
  expect_every_rule_can_be_broken(
      faulty_part<Recommender, FaultyRecommender>(),
      with_step_faults({{"an item twice", "lists name distinct items"},
                        {"looks at the target", "the targets are not looked at"},
                        {"looks at other rows", "a row's list depends"},
                        {"differs every fit", "equal data and seed"},
                        {"loads something else", "saved and loaded"},
                        {"remembers its steps", "what stands in the parameters"},
                        {"reads SIDs unasked", "lists name distinct items"},
                        {"wants three items", "two items, no items"}}));
}

}  // namespace
}  // namespace tsrec::test
