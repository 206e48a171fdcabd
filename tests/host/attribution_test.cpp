// Who is at work, whose call an exception came out of, and what shows through a guard.
#include "plugin/attribution.hpp"

#include <ATen/Parallel.h>

#include <atomic>
#include <thread>

#include "plugin/active_call.hpp"
#include "plugin/kinds.hpp"
#include "support/support.hpp"
#include "tsrec/parts/causal_backbone.hpp"
#include "tsrec/parts/metric.hpp"
#include "tsrec/parts/quantizer.hpp"
#include "tsrec/parts/stepwise.hpp"
#include "tsrec/testing/subject.hpp"
#include "tsrec/testing/toy.hpp"

namespace tsrec::test {
namespace {

namespace fs = std::filesystem;
using host::ActiveCall;

std::string now() {
  const ActiveCall::Names names = ActiveCall::of_this_thread();
  return names.part == nullptr ? "nobody" : c10::str(names.part, " ", names.method);
}
std::string elsewhere() {
  std::string seen;
  std::thread([&] { seen = now(); }).join();
  return seen;
}

TEST(ActiveCalls, TheInnermostOfAThreadAndOfTheProcess) {
  EXPECT_EQ(now(), "nobody");
  {
    const ActiveCall trainer("sft", "step()");
    EXPECT_EQ(now(), "sft step()");
    EXPECT_EQ(elsewhere(), "sft step()") << "a thread without a call sees that of the process";
    {
      const ActiveCall task("next_item", "at()");
      EXPECT_EQ(now(), "next_item at()");
      EXPECT_EQ(elsewhere(), "next_item at()");
    }
    EXPECT_EQ(now(), "sft step()");
    // A worker's own call is its own, and nobody else's.
    std::thread([&] {
      const ActiveCall reward("near_miss", "score()");
      EXPECT_EQ(now(), "near_miss score()");
      EXPECT_EQ(elsewhere(), "sft step()");
    }).join();
    EXPECT_EQ(now(), "sft step()");
  }
  EXPECT_EQ(now(), "nobody");
  EXPECT_EQ(elsewhere(), "nobody");
}

TEST(ActiveCalls, DeepNestingComesBackToWhereItWas) {
  const std::function<void(int)> nest = [&](int depth) {
    const std::string method = std::to_string(depth);
    const ActiveCall call("part", method.c_str());
    EXPECT_EQ(now(), "part " + method);
    if (depth < 100) nest(depth + 1);
    EXPECT_EQ(now(), "part " + method);
    if (depth < 20) {
      EXPECT_EQ(elsewhere(), "part " + method);
    }
  };
  nest(0);
  EXPECT_EQ(elsewhere(), "nobody");
}

TEST(ActiveCalls, WorkersThatLookWhileCallsComeAndGoSeeWholeNames) {
  std::atomic<bool> is_over = false;
  std::vector<std::string> wrong;
  std::thread looker([&] {
    while (!is_over) {
      const std::string seen = now();
      if (seen != "nobody" && seen != "one 1" && seen != "two 2") wrong.push_back(seen);
    }
  });
  for (int i = 0; i < 20000; ++i) {
    const ActiveCall one("one", "1");
    const ActiveCall two("two", "2");
  }
  is_over = true;
  looker.join();
  EXPECT_EQ(wrong, std::vector<std::string>());
}

host::Identity named(const std::string& name, const std::string& unusual = "") {
  return std::make_shared<const host::PartIdentity>(host::PartIdentity{name, unusual});
}

// What is said of what `work` throws.
std::string blamed(const std::function<void()>& work) {
  try {
    work();
  } catch (...) {
    return host::whose_call(std::current_exception());
  }
  return "nothing is thrown";
}

TEST(Attribution, TheInnermostCallIsBlamedAlsoAcrossThreads) {
  const host::Identity outer = named("trainer 'grpo'"), inner = named("reward 'near'", "k = 3");
  const auto fails = [&] {
    host::in_call(inner, "score()", [] { throw std::out_of_range("at"); });
  };
  const std::string of_inner =
      "\n  in reward 'near' in score()\n  options that differ from the default: k = 3";
  EXPECT_EQ(blamed(fails), of_inner);
  EXPECT_EQ(blamed([&] { host::in_call(outer, "step()", fails); }), of_inner);
  // LibTorch's and a plugin's own threads hand an exception on as it is.
  EXPECT_EQ(blamed([&] {
              host::in_call(outer, "step()", [&] {
                at::parallel_for(0, 64, 1, [&](int64_t, int64_t) { fails(); });
              });
            }),
            of_inner);
  EXPECT_EQ(blamed([&] {
              host::in_call(outer, "step()", [&] {
                std::exception_ptr thrown;
                std::thread([&] {
                  try {
                    fails();
                  } catch (...) {
                    thrown = std::current_exception();
                  }
                }).join();
                std::rethrow_exception(thrown);
              });
            }),
            of_inner);
  // Who catches and throws something else is the one who threw.
  EXPECT_EQ(blamed([&] {
              host::in_call(outer, "step()", [&] {
                try {
                  fails();
                } catch (const std::exception&) {
                  throw Error("no rewards");
                }
              });
            }),
            "\n  in trainer 'grpo' in step()");
  EXPECT_EQ(blamed([] { throw Error("the host's own"); }), "");
}

// Every part of every plugin: what it can do shows through its guard, and nothing else does.
TEST(Guards, ShowWhatAPartCanDo) {
  std::map<std::string, int64_t> seen;
  for (const auto& entry : fs::recursive_directory_iterator(TSREC_PLUGIN_FOLDER)) {
    if (entry.path().extension() != ".so") continue;
    const PluginInfo& plugin = kit::open_plugin(entry.path());
    for (size_t i = 0; i < plugin.count; ++i) {
      const kit::Subject subject(plugin.parts[i]);
      if (!subject.missing().empty()) continue;
      TestContext context;
      const std::shared_ptr<Part> made = subject.make(context);
      const auto guarded =
          host::named_kind(plugin.parts[i].kind).guard(made, named(plugin.parts[i].name));
      const auto expect_same = [&]<class Ability>(const char* name, const Ability*) {
        const bool has = dynamic_cast<const Ability*>(made.get()) != nullptr;
        EXPECT_EQ(dynamic_cast<const Ability*>(guarded.get()) != nullptr, has)
            << plugin.parts[i].name << " " << name;
        seen[name] += has;
      };
      expect_same("steps", static_cast<const Stepwise*>(nullptr));
      expect_same("distances", static_cast<const HasDistances*>(nullptr));
      expect_same("decoder", static_cast<const NeedsDecoder*>(nullptr));
    }
  }
  EXPECT_EQ(seen.size(), 3u);
  for (const auto& [name, count] : seen) EXPECT_GT(count, 0) << name;
}

class OneParameter : public Stepwise {
 public:
  std::vector<nn::Parameter> parameters() override { return {{"of the steps", value_, false}}; }
  int64_t num_steps() const override { return 0; }
  void step(int64_t, Context&) override {}
  void save_state(ArtifactWriter&) const override {}
  void load_state(const ArtifactReader&) override {}

 private:
  torch::Tensor value_ = torch::ones({1}).requires_grad_();
};
class ModelInSteps final : public CausalBackbone, public OneParameter {
 public:
  explicit ModelInSteps(const Context& context) : CausalBackbone(context), toy_(context) {}
  void prepare(const Items& items, Context& context) override {
    toy_.prepare(items, context);
    const TempFolder folder;
    toy_.save(folder.path());
    load(folder.path());
  }

 private:
  kit::ToyBackbone toy_;
};

// A backbone in steps has its parameters twice, as a model and as what the steps change.
TEST(Guards, KeepTheParametersOfTheStepsApart) {
  TestContext context;
  const auto guarded = host::named_kind("backbone")
                           .guard(std::make_shared<ModelInSteps>(context), named("in_steps"));
  auto& backbone = dynamic_cast<Backbone&>(*guarded);
  backbone.prepare(kit::toy_items(), context);
  Stepwise* steps = steps_of(*guarded);
  ASSERT_NE(steps, nullptr);
  ASSERT_EQ(steps->parameters().size(), 1u);
  EXPECT_EQ(steps->parameters()[0].name, "of the steps");
  EXPECT_GT(backbone.parameters().size(), 1u);
  // A copy of the model is behind a guard too.
  const auto clone = backbone.clone();
  nn::PackedBatch broken;
  broken.token_T = torch::tensor({1000000}, torch::kInt64);
  broken.position_T = torch::zeros({1}, torch::kInt64);
  broken.segments = {{0, 1, -1, 0}};
  EXPECT_EQ(blamed([&] { clone->hidden(broken, {}); }), "\n  in in_steps in hidden()");
}

}  // namespace
}  // namespace tsrec::test
