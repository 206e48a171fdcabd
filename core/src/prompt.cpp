#include "tsrec/prompt.hpp"

#include <algorithm>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

namespace tsrec {

Piece Piece::text(std::string value) {
  Piece piece;
  piece.text_value = std::move(value);
  return piece;
}

Piece Piece::sid(int64_t item) {
  Piece piece;
  piece.kind = Kind::sid;
  piece.item = item;
  return piece;
}

Piece Piece::token(int64_t level, int64_t code) {
  Piece piece;
  piece.kind = Kind::token;
  piece.level = level;
  piece.code = code;
  return piece;
}

namespace {

constexpr const char* kTarget = "target";
constexpr const char* kEos = "eos";

// A wording cut at its {placeholders}; "{{" and "}}" are braces.
struct Fragment {
  bool is_slot = false;
  std::string text;  // literal text, or the slot's name
};

std::vector<Fragment> fragments_of(const std::string& wording, const std::string& where) {
  std::vector<Fragment> fragments = {{}};
  for (size_t at = 0; at < wording.size(); ++at) {
    const char c = wording[at];
    const bool doubled = (c == '{' || c == '}') && at + 1 < wording.size() && wording[at + 1] == c;
    if (doubled) {
      fragments.back().text += wording[at++];
    } else if (c == '{') {
      const size_t end = wording.find('}', at);
      if (end == std::string::npos)
        throw ConfigError(where, ": a '{' is never closed; write '{{' for a brace");
      fragments.push_back({true, wording.substr(at + 1, end - at - 1)});
      fragments.emplace_back();
      at = end;
    } else if (c == '}') {
      throw ConfigError(where, ": a '}' without '{'; write '}}' for a brace");
    } else {
      fragments.back().text += c;
    }
  }
  return fragments;
}

// What one form says: the frame with this form's texts filled in, and its target.
struct Form {
  std::vector<Fragment> prompt, target;
  std::vector<int32_t> suffix;
};

void append(std::vector<Fragment>& to, const std::vector<Fragment>& more) {
  for (const Fragment& fragment : more) {
    if (!fragment.is_slot && !to.empty() && !to.back().is_slot) {
      to.back().text += fragment.text;
    } else {
      to.push_back(fragment);
    }
  }
}

// Ids of text runs that were encoded before. The words of a frame come again in every row; titles
// and descriptions fill the rest, up to a bound.
class KnownRuns {
 public:
  void encode(const std::string& run, const text::Tokenizer& tokenizer,
              std::vector<int32_t>& ids) const {
    {
      const std::shared_lock lock(mutex_);
      const auto known = ids_of_.find(run);
      if (known != ids_of_.end()) {
        ids.insert(ids.end(), known->second.begin(), known->second.end());
        return;
      }
    }
    const std::vector<int32_t> fresh = tokenizer.encode(run);
    ids.insert(ids.end(), fresh.begin(), fresh.end());
    const std::unique_lock lock(mutex_);
    constexpr size_t kMost = 4096;
    if (ids_of_.size() < kMost) ids_of_.emplace(run, fresh);
  }

 private:
  mutable std::shared_mutex mutex_;
  mutable std::unordered_map<std::string, std::vector<int32_t>> ids_of_;
};

}  // namespace

struct PromptCompiler::Impl {
  PromptWording wording;
  const text::Tokenizer& tokenizer;
  const SidTable& sids;
  const Vocabulary& vocabulary;
  std::map<std::string, Form> forms;
  KnownRuns known_runs;
  std::vector<int32_t> begin;  // of every prompt

  std::vector<int32_t> make_begin() const {
    if (wording.begin == "auto") return tokenizer.begin_tokens();
    if (wording.begin == "none") return {};
    const std::optional<int32_t> token = tokenizer.find(wording.begin);
    if (!token) {
      throw ConfigError("[prompt] begin = \"", wording.begin,
                        "\" is no added token of the tokenizer; expected auto, none or a token "
                        "such as <s>");
    }
    return {*token};
  }

  // A frame that spells the begin itself is not given a second one.
  std::vector<int32_t> with_begin(std::vector<int32_t> prompt) const {
    const bool has_it =
        prompt.size() >= begin.size() && std::equal(begin.begin(), begin.end(), prompt.begin());
    if (!has_it) prompt.insert(prompt.begin(), begin.begin(), begin.end());
    return prompt;
  }

  Form make_form(const std::string& name, const std::map<std::string, std::string>& texts) const {
    const std::string where = "[prompt." + name + "]";
    const auto target = texts.find(kTarget);
    if (target == texts.end())
      throw ConfigError(where, " has no target; write for example target = \"{answer}\\n\"");
    Form form;
    form.target = fragments_of(target->second, where + " target");
    for (const Fragment& fragment : fragments_of(wording.frame, "[prompt] frame")) {
      if (!fragment.is_slot) {
        append(form.prompt, {fragment});
        continue;
      }
      const auto own = texts.find(fragment.text), shared = wording.shared.find(fragment.text);
      if (own == texts.end() && shared == wording.shared.end()) {
        throw ConfigError(where, " gives no text for {", fragment.text, "} of the frame; add ",
                          fragment.text, " = \"...\" there or under [prompt]");
      }
      append(form.prompt, fragments_of(own != texts.end() ? own->second : shared->second,
                                       where + " " + fragment.text));
    }
    check_target(form, where);
    form.suffix = suffix_of(form);
    return form;
  }

  // The answer may stand in the target only: a prompt that shows it teaches copying.
  static void check_target(const Form& form, const std::string& where) {
    int64_t num_slots = 0;
    for (const Fragment& wanted : form.target) {
      if (!wanted.is_slot || wanted.text == kEos) continue;
      ++num_slots;
      for (const Fragment& shown : form.prompt) {
        if (shown.is_slot && shown.text == wanted.text) {
          throw ConfigError(where, ": {", wanted.text,
                            "} is the answer and may not occur in the prompt as well");
        }
      }
    }
    if (num_slots == 0)
      throw ConfigError(where,
                        ": the target has no slot; write for example target = \"{answer}\\n\"");
  }

  std::vector<int32_t> suffix_of(const Form& form) const {
    std::vector<Fragment> tail;
    for (const Fragment& fragment : form.target) {
      if (fragment.is_slot && fragment.text != kEos)
        tail.clear();
      else
        tail.push_back(fragment);
    }
    return encode(tail, {}, "");
  }

  // Text runs are encoded whole, so that words may span a slot's border; SID tokens stand between
  // runs.
  std::vector<int32_t> encode(const std::vector<Fragment>& fragments,
                              const std::map<std::string, std::vector<Piece>>& slots,
                              const std::string& form) const {
    std::vector<int32_t> ids;
    std::string run;
    const auto flush = [&] {
      if (run.empty()) return;
      known_runs.encode(run, tokenizer, ids);
      run.clear();
    };
    for (const Fragment& fragment : fragments) {
      if (!fragment.is_slot) {
        run += fragment.text;
      } else if (fragment.text == kEos) {
        flush();
        ids.push_back(tokenizer.eos());
      } else {
        const auto slot = slots.find(fragment.text);
        if (slot == slots.end()) {
          throw ConfigError("[prompt.", form, "] uses {", fragment.text,
                            "}, which its task does not fill");
        }
        for (size_t p = 0; p < slot->second.size(); ++p) {
          if (p > 0) run += wording.separator;
          append_piece(slot->second[p], run, flush, ids);
        }
      }
    }
    flush();
    return ids;
  }

  template <class Flush>
  void append_piece(const Piece& piece, std::string& run, const Flush& flush,
                    std::vector<int32_t>& ids) const {
    switch (piece.kind) {
      case Piece::Kind::text:
        run += piece.text_value;
        return;
      case Piece::Kind::sid: {
        flush();
        const std::vector<int32_t> sid = vocabulary.ids(sids, piece.item);
        ids.insert(ids.end(), sid.begin(), sid.end());
        return;
      }
      case Piece::Kind::token: {
        flush();
        const int32_t id = vocabulary.id(piece.level, piece.code);
        if (id < 0)
          throw DataError("no item uses the token ", sids.spelling.token(piece.level, piece.code));
        ids.push_back(id);
        return;
      }
    }
  }

  const Form& form(const std::string& name) const {
    const auto found = forms.find(name);
    if (found != forms.end()) return found->second;
    std::vector<std::string> known;
    for (const auto& [key, value] : forms) known.push_back(key);
    throw ConfigError("there is no wording [prompt.", name, "]; the experiment has ",
                      c10::Join(", ", known));
  }
};

PromptCompiler::PromptCompiler(PromptWording wording, const text::Tokenizer& tokenizer,
                               const SidTable& sids, const Vocabulary& vocabulary)
    : impl_(new Impl{std::move(wording), tokenizer, sids, vocabulary, {}, {}, {}}) {
  impl_->begin = impl_->make_begin();
  const std::vector<Fragment> frame = fragments_of(impl_->wording.frame, "[prompt] frame");
  if (frame.size() < 2)
    throw ConfigError(
        "[prompt] frame has no placeholder; write for example \"{input}\\n### Response:\\n\"", "");
  for (const auto& [name, texts] : impl_->wording.forms)
    impl_->forms[name] = impl_->make_form(name, texts);
}

PromptCompiler::~PromptCompiler() = default;

CompiledExample PromptCompiler::compile(const Example& example) const {
  const Form& form = impl_->form(example.form);
  CompiledExample compiled;
  compiled.prompt = impl_->with_begin(impl_->encode(form.prompt, example.slots, example.form));
  compiled.target = impl_->encode(form.target, example.slots, example.form);
  compiled.weight = example.weight;
  compiled.sample = example.sample;
  compiled.target_item = example.target_item;
  return compiled;
}

const std::vector<int32_t>& PromptCompiler::suffix(const std::string& form) const {
  return impl_->form(form).suffix;
}

const text::Tokenizer& PromptCompiler::tokenizer() const { return impl_->tokenizer; }

}  // namespace tsrec
