#include "pipeline/audit_prompts.hpp"

#include <ATen/Parallel.h>

#include <algorithm>

#include "tsrec/evenly_spaced.hpp"
#include "tsrec/text/tokenizer.hpp"

namespace tsrec::host {
namespace {

using Ids = std::vector<int32_t>;

// Of bytes alone, so that a part of a text is a part of its ids.
text::Tokenizer letters() {
  constexpr int64_t kBytesAndEnd = 257;
  return text::Tokenizer::train({}, kBytesAndEnd);
}

PromptWording without_begin(PromptWording wording) {
  wording.begin = "none";  // that of a model's own tokenizer says nothing about answers
  return wording;
}

// The literal text behind the frame's last placeholder, without blanks around it; "" where a
// history and its answer are one sequence.
std::string response_marker(const std::string& frame) {
  std::string tail;
  for (size_t at = 0; at < frame.size(); ++at) {
    const bool is_doubled = at + 1 < frame.size() && frame[at] == frame[at + 1];
    if (frame[at] == '{' && !is_doubled) {
      at = std::min(frame.find('}', at), frame.size());
      tail.clear();
    } else {
      tail += frame[at];
      if (is_doubled && (frame[at] == '{' || frame[at] == '}')) ++at;
    }
  }
  const size_t begin = tail.find_first_not_of(" \n\t");
  return begin == std::string::npos
             ? ""
             : tail.substr(begin, tail.find_last_not_of(" \n\t") + 1 - begin);
}

// Two hashes of different beginnings, as one number of 128 bits: no two rows share it by chance.
using Fingerprint = std::pair<uint64_t, uint64_t>;

Fingerprint fingerprint(const CompiledExample& row) {
  Fingerprint print{0x243f6a8885a308d3ULL, 0x13198a2e03707344ULL};
  const auto mix = [](uint64_t& hash, uint64_t value, uint64_t factor) {
    hash = (hash ^ value) * factor;
    hash ^= hash >> 31;
  };
  const auto add = [&](int32_t id) {
    mix(print.first, static_cast<uint64_t>(id), 0xff51afd7ed558ccdULL);
    mix(print.second, static_cast<uint64_t>(id), 0xc4ceb9fe1a85ec53ULL);
  };
  for (const int32_t id : row.prompt) add(id);
  add(-1);
  for (const int32_t id : row.target) add(id);
  return print;
}

// What one row of a task looks like.
struct LookedAt {
  int64_t row = 0;
  bool shows = false, shows_behind = false;  // the answer: anywhere, behind the first marker
  bool is_repeat = false;                    // its target stands in the history
  Fingerprint print;
};

class Reader {
 public:
  Reader(const PromptWording& wording, const Dataset& data, const SidTable& sids)
      : data_(data),
        group_N_(sids.group_N()),
        letters_(letters()),
        vocabulary_(sids, static_cast<int32_t>(letters_.size())),
        compiler_(without_begin(wording), letters_, sids, vocabulary_),
        marker_(letters_.encode(response_marker(wording.frame))) {}

  bool has_marker() const { return !marker_.empty(); }

  std::vector<LookedAt> look(const Task& task, Split split, int64_t most_rows) const {
    const int64_t size = task.size(split);
    const std::vector<int64_t> rows = evenly_spaced(size, std::min(size, most_rows));
    std::vector<LookedAt> all(rows.size());
    at::parallel_for(0, static_cast<int64_t>(rows.size()), 256, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        all[static_cast<size_t>(i)] = look_at(task, split, rows[static_cast<size_t>(i)]);
    });
    return all;
  }

 private:
  LookedAt look_at(const Task& task, Split split, int64_t row) const {
    const CompiledExample compiled = compiler_.compile(task.at(split, row, /*draw=*/0));
    const Ids& prompt = compiled.prompt;
    const auto suffix = static_cast<std::ptrdiff_t>(compiler_.suffix(task.form()).size());
    const Ids answer(compiled.target.begin(), compiled.target.end() - suffix);
    const auto found_from = [&](Ids::const_iterator begin) {
      return !answer.empty() &&
             std::search(begin, prompt.end(), answer.begin(), answer.end()) != prompt.end();
    };
    LookedAt looked{
        .row = row, .shows = found_from(prompt.begin()), .print = fingerprint(compiled)};
    if (looked.shows && has_marker()) {
      const auto marker = std::search(prompt.begin(), prompt.end(), marker_.begin(), marker_.end());
      looked.shows_behind = marker != prompt.end() && found_from(marker + std::ssize(marker_));
    }
    if (compiled.sample >= 0) looked.is_repeat = is_repeat(data_.split(split), compiled.sample);
    return looked;
  }

  bool is_repeat(const Samples& samples, int64_t row) const {
    const auto group = [&](int64_t item) { return group_N_[static_cast<size_t>(item)]; };
    const int64_t target = group(samples.target(row));
    const auto history = samples.history(row);
    return std::any_of(history.begin(), history.end(),
                       [&](int64_t item) { return group(item) == target; });
  }

  const Dataset& data_;
  std::vector<int64_t> group_N_;
  text::Tokenizer letters_;
  Vocabulary vocabulary_;
  PromptCompiler compiler_;
  Ids marker_;
};

// One share of a finding: the rows of a task and split that `counts`.
template <class Counts>
void add_share(AuditFinding& finding, const std::string& name, const std::vector<LookedAt>& rows,
               const Counts& counts) {
  AuditFinding::Share share{name, 0, static_cast<int64_t>(rows.size())};
  for (const LookedAt& row : rows) {
    if (!counts(row)) continue;
    ++share.count;
    if (std::ssize(finding.examples) < kAuditExamples)
      finding.examples.push_back(c10::str(name, " row ", row.row));
  }
  finding.count += share.count;
  finding.of += share.of;
  finding.shares.push_back(std::move(share));
}

// Whether every row shows its answer, which no catalogue does by chance.
bool is_copied(const std::vector<LookedAt>& rows) {
  constexpr int64_t kEnough = 10;
  int64_t shown = 0;
  for (const LookedAt& row : rows) {
    if (row.is_repeat) continue;
    if (!row.shows) return false;
    ++shown;
  }
  return shown >= kEnough;
}

}  // namespace

std::vector<AuditFinding> audit_prompts(const std::vector<AuditedTask>& tasks,
                                        const PromptWording& wording, const Dataset& data,
                                        const SidTable& sids, int64_t most_rows) {
  const Reader reader(wording, data, sids);
  AuditFinding behind{&audit_rule("answer_behind_marker")};
  AuditFinding copied{&audit_rule("copied_answers"), 0, static_cast<int64_t>(tasks.size())};
  AuditFinding anywhere{&audit_rule("answer_in_prompt")};
  AuditFinding known{&audit_rule("test_prompts")};
  for (const AuditedTask& task : tasks) {
    const std::vector<LookedAt> training = reader.look(*task.training, Split::train, most_rows),
                                test = reader.look(*task.test, Split::test, most_rows);
    std::vector<Fingerprint> trained;
    for (const LookedAt& row : training) trained.push_back(row.print);
    std::sort(trained.begin(), trained.end());
    for (const auto& [split, rows] : {std::pair(" train", &training), std::pair(" test", &test)}) {
      if (rows->empty()) continue;
      const std::string of = task.name + split;
      add_share(anywhere, of, *rows, [](const LookedAt& row) { return row.shows; });
      if (reader.has_marker())
        add_share(behind, of, *rows,
                  [](const LookedAt& row) { return row.shows_behind && !row.is_repeat; });
    }
    if (!test.empty())
      add_share(known, task.name + " test", test, [&](const LookedAt& row) {
        return std::binary_search(trained.begin(), trained.end(), row.print);
      });
    if (is_copied(training)) {
      ++copied.count;
      copied.examples.push_back(task.name);
    }
  }
  return {behind, copied, anywhere, known};
}

}  // namespace tsrec::host
