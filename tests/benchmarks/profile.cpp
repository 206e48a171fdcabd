// Where the time of an update goes: one of sft (--rows N: N rows, else 64) and one of grpo (8
// prompts), and that of ranking N users, by part; on a GPU by kernel as well. LibTorch tells at the
// beginning and end of each operator, of each step of backward, and of the scopes that the library
// names (RECORD_USER_SCOPE).
#include <ATen/Parallel.h>
#include <ATen/record_function.h>

#include <iostream>
#include <mutex>
#include <nlohmann/json.hpp>

#include "jobs.hpp"
#include "kernels.hpp"
#include "measure.hpp"
#include "training.hpp"
#include "tsrec/decode/decoder.hpp"

namespace tsrec::bench {
namespace {

enum Part : size_t {
  kProducts,
  kAttention,
  kElementwise,
  kHead,
  kGradients,
  kOptimizer,
  kCopies,
  kRest,
  kParts
};
constexpr const char* kNames[] = {"products",
                                  "attention",
                                  "norms, rotations, gates, sums",
                                  "head",
                                  "sums of gradients",
                                  "optimizer",
                                  "copies and look-ups",
                                  "the rest: search, packing, autograd, waiting"};

// By what stands in the name, the first that fits. What runs inside of a part that is `whole`
// belongs to it; elsewhere an operator without a rule belongs to what it runs in.
struct Rule {
  const char* text;
  Part part;
  bool whole;
};
constexpr Rule kRules[] = {{"PackedAttention", kAttention, true},
                           {"RmsNorm", kElementwise, true},
                           {"SplitAndRotate", kElementwise, true},
                           {"SwiGlu", kElementwise, true},
                           {"DroppedSum", kElementwise, true},
                           {"LabelLogProb", kHead, true},
                           {"Head", kHead, true},
                           {"AdamW", kOptimizer, true},
                           {"FlatParameters", kOptimizer, true},
                           {"Replicas", kGradients, true},
                           {"AccumulateGrad", kGradients, true},
                           {"aten::mm", kProducts, false},
                           {"aten::addmm", kProducts, false},
                           {"mkldnn::_linear_pointwise", kProducts, false},
                           {"aten::add", kElementwise, false},
                           {"aten::copy_", kCopies, false},
                           {"aten::cat", kCopies, false},
                           {"aten::index", kCopies, false},
                           {"aten::embedding", kCopies, false},
                           {"aten::zero_", kCopies, false},
                           {"aten::fill_", kCopies, false}};

const Rule* rule_of(std::string_view name) {
  for (const Rule& rule : kRules) {
    if (name.find(rule.text) != std::string_view::npos) return &rule;
  }
  return nullptr;
}

struct Frame {
  Part part = kRest;
  bool whole = false;
  double begin = 0, inside = 0;  // seconds of what runs in it
};
thread_local std::vector<Frame> frames;

std::mutex totals_mutex;
std::array<double, kParts> totals;  // seconds of threads

std::unique_ptr<at::ObserverContext> enter(const at::RecordFunction& function) {
  Frame frame = frames.empty() ? Frame() : frames.back();
  if (!frame.whole) {
    if (const Rule* rule = rule_of(function.name())) {
      frame.part = rule->part;
      frame.whole = rule->whole;
    }
  }
  frame.inside = 0;
  frame.begin = Clock::now().wall;
  frames.push_back(frame);
  return nullptr;
}

void leave(const at::RecordFunction&, at::ObserverContext*) {
  const Frame frame = frames.back();
  frames.pop_back();
  const double seconds = Clock::now().wall - frame.begin;
  if (!frames.empty()) frames.back().inside += seconds;
  // Outside of workers the threads share an operator.
  const int threads = at::in_parallel_region() ? 1 : at::get_num_threads();
  const std::lock_guard lock(totals_mutex);
  totals[frame.part] += threads * (seconds - frame.inside);
}

// On a GPU the host only sets work going: how long that work took, and what part of the wall it
// was.
void print_kernels(const std::string& variant, const std::function<void()>& job, double wall) {
  constexpr size_t kShown = 24;
  const std::vector<KernelTime> kernels = kernel_times(job);
  double busy = 0;
  int64_t calls = 0;
  for (const KernelTime& kernel : kernels) {
    busy += kernel.seconds;
    calls += kernel.calls;
  }
  std::cout << nlohmann::ordered_json{{"id", "profile"},
                                      {"variant", variant},
                                      {"kernels", calls},
                                      {"kernel_seconds", busy},
                                      {"share_of_wall", std::round(1e3 * busy / wall) / 1e3}}
            << '\n';
  for (size_t k = 0; k < std::min(kShown, kernels.size()); ++k) {
    std::cout << nlohmann::ordered_json{{"id", "profile"},
                                        {"variant", variant},
                                        {"kernel", kernels[k].name.substr(0, 120)},
                                        {"calls", kernels[k].calls},
                                        {"share",
                                         std::round(1e3 * kernels[k].seconds / busy) / 1e3}}
              << '\n';
  }
}

void print_profile(const std::string& variant, const std::function<void()>& job, const World& world,
                   int64_t repeats) {
  Line line("profile", variant, world.context.machine());
  job();
  totals.fill(0);
  const auto handle = at::addGlobalCallback(
      at::RecordFunctionCallback(enter, leave)
          .scopes({at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION,
                   at::RecordScope::USER_SCOPE}));
  const Seconds all = timed(1, [&] {
    for (int64_t i = 0; i < repeats; ++i) job();
  });
  at::removeCallback(handle);
  const double whole = all.median * at::get_num_threads();
  double known = 0;
  for (const double part : totals) known += part;
  totals[kRest] += whole - known;
  for (size_t part = kProducts; part < kParts; ++part) {
    std::cout << nlohmann::ordered_json{{"id", "profile"},
                                        {"variant", variant},
                                        {"part", kNames[part]},
                                        {"share", std::round(1e3 * totals[part] / whole) / 1e3}}
              << '\n';
  }
  const double one = all.median / static_cast<double>(repeats);
  if (!world.context.device().is_cpu()) {
    const double undisturbed = timed(3, job).median;
    print_kernels(variant, job, undisturbed);
  }
  line.seconds({one, one, one, all.cpu / static_cast<double>(repeats), repeats})
      .work(world.context.counters)
      .print();
}

}  // namespace

void run_profile(const JobOptions& options) {
  const World world(options);
  const int64_t rows = options.rows > 0 ? options.rows : 64, prompts = 8;
  {
    Training training(world, world.make_backbone(), world.train, sft_part(rows));
    print_profile(
        c10::str("sft, ", rows, " rows"), [&] { training.step(); }, world, options.repeats);
  }
  {
    Training training(world, world.make_backbone(),
                      {world.train.begin(), world.train.begin() + prompts}, grpo_part(prompts));
    print_profile(
        c10::str("grpo, ", prompts, " prompts x ", kCompletions), [&] { training.step(); }, world,
        options.repeats);
  }
  const auto backbone = world.make_backbone();
  std::vector<std::vector<int32_t>> asked = world.prompts(world.test);
  asked.resize(static_cast<size_t>(std::min<int64_t>(rows, std::ssize(asked))));
  decode::DecodeOptions beam;
  beam.beams = 50;
  beam.suffix = world.suffix;
  for (const decode::Scoring scoring : {decode::Scoring::legal, decode::Scoring::full}) {
    beam.scoring = scoring;
    const decode::Decoder decoder(*backbone, world.trie, beam);
    print_profile(
        c10::str("decoding, ", scoring == decode::Scoring::legal ? "legal, " : "full, ",
                 asked.size(), " users"),
        [&] {
          world.context.counters.clear();
          decoder.rank(asked, world.context);
        },
        world, options.repeats);
  }
}

}  // namespace tsrec::bench
