#include "pipeline/store.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <sstream>
#include <unordered_map>
#include <vector>

#include "pipeline/content.hpp"
#include "support/unflushed_file.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// Of 64 hex digits; "" where the file is not there, or a power cut left it without its bytes.
std::string digest_in(const fs::path& folder) {
  std::string digest;
  std::ifstream(folder / "digest.txt") >> digest;
  const bool is_whole =
      digest.size() == 64 && std::all_of(digest.begin(), digest.end(), [](char c) {
        return std::isxdigit(static_cast<unsigned char>(c)) != 0;
      });
  return is_whole ? digest : "";
}

}  // namespace

std::string artefact_digest(const fs::path& folder) {
  std::vector<std::string> entries;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const std::string name = entry.path().lexically_relative(folder).string();
    if (name == "key.txt" || name == "digest.txt") continue;  // written when the bytes are known
    entries.push_back(name + '\t' + io::sha256_of_file(entry.path()));
  }
  std::sort(entries.begin(), entries.end());
  std::string all;
  for (const std::string& entry : entries) all += entry + '\n';
  return io::sha256(all);
}

// The key texts of a store, each read once, by stage. A line is a number here, the same one in all
// texts: of a matrix most lines are in most texts, and comparing them is counting.
class Store::KeyTexts {
 public:
  // The text of this stage that lacks the fewest lines of `now`, the newest of several.
  std::string closest(const fs::path& root, const std::string& stage, const std::string& now) {
    const std::lock_guard lock(mutex_);
    for (const auto& group : fs::directory_iterator(root)) read_fresh(group);
    std::vector<int64_t> occurrences(line_numbers_.size(), 0);  // in `now`, of every known line
    for (const std::string& line : lines_of(now)) {
      const auto known = line_numbers_.find(line);
      if (known != line_numbers_.end()) ++occurrences[known->second];
    }
    const Text* closest = nullptr;
    std::pair<int64_t, fs::file_time_type> best;  // lines in common, written
    for (const Text& other : of_stage_[stage]) {
      std::pair<int64_t, fs::file_time_type> candidate{0, other.written};
      for (const size_t line : other.lines) candidate.first += occurrences[line];
      if (closest != nullptr && candidate < best) continue;
      closest = &other;
      best = candidate;
    }
    return closest != nullptr ? closest->text : "";
  }

 private:
  struct Text {
    std::string text;
    std::vector<size_t> lines;  // each once
    fs::file_time_type written;
  };

  // A folder that stayed as it was when it was read has no new names. One that changed a moment ago
  // may change again within one tick of its file system's clock.
  void read_fresh(const fs::directory_entry& group) {
    constexpr std::chrono::seconds kDoubt(2);
    const fs::file_time_type changed = group.last_write_time();
    const auto seen = unchanged_since_.find(group.path());
    if (seen != unchanged_since_.end() && seen->second == changed) return;
    for (const auto& entry : fs::directory_iterator(group)) {
      if (keys_.insert(entry.path().filename()).second) read(entry.path() / "key.txt");
    }
    if (fs::file_time_type::clock::now() - changed > kDoubt)
      unchanged_since_.insert_or_assign(group.path(), changed);
  }

  void read(const fs::path& file) {
    if (!fs::exists(file)) return;
    constexpr std::string_view kStage = "stage ";
    Text text{io::read_text(file), {}, fs::last_write_time(file)};
    const std::vector<std::string> lines = lines_of(text.text);
    const auto stage = std::find_if(lines.begin(), lines.end(),
                                    [&](const auto& line) { return line.starts_with(kStage); });
    if (stage == lines.end()) return;
    for (const std::string& line : std::set(lines.begin(), lines.end()))
      text.lines.push_back(line_numbers_.try_emplace(line, line_numbers_.size()).first->second);
    of_stage_[stage->substr(kStage.size())].push_back(std::move(text));
  }

  std::mutex mutex_;
  std::map<fs::path, fs::file_time_type> unchanged_since_;  // of groups
  std::set<std::string> keys_;
  std::map<std::string, std::vector<Text>> of_stage_;
  std::unordered_map<std::string, size_t> line_numbers_;
};

// What follows a stored stage while the next one is at work. One at a time: no more than one
// training's checkpoints wait to be deleted.
struct Store::Afterwards {
  std::mutex mutex;
  std::future<void> last;  // whose end is waited for

  void begin(const std::function<void()>& work) {
    const std::lock_guard lock(mutex);
    if (last.valid()) last.wait();
    last = std::async(std::launch::async, work);
  }
};

Store::Store(fs::path root)
    : root_(std::move(root)),
      key_texts_(std::make_shared<KeyTexts>()),
      afterwards_(std::make_shared<Afterwards>()) {
  std::error_code failed;
  fs::create_directories(root_ / "store", failed);
  if (failed) {
    throw Error("cannot make the store '", root_.string(), "': ", failed.message(),
                "; name another with --store or TSREC_STORE");
  }
}

fs::path Store::artefact(const std::string& key) const {
  return root_ / "store" / key.substr(0, 2) / key;
}

fs::path Store::work(const std::string& key) const {
  const fs::path folder = root_ / "work" / key;
  fs::create_directories(folder);
  return folder;
}

fs::path Store::lock(const std::string& key) const { return root_ / "locks" / key; }
fs::path Store::failed(const std::string& key) const { return root_ / "failed" / key; }
bool Store::has(const std::string& key) const { return !digest_in(artefact(key)).empty(); }
std::string Store::digest(const std::string& key) const {
  return io::read_text(artefact(key) / "digest.txt");
}

std::string Store::commit(const std::string& key, double seconds) const {
  const fs::path out = work(key) / "out", place = artefact(key);
  const std::string digest = artefact_digest(out);
  if (!write_unflushed(out / "digest.txt", digest))
    throw Error("cannot write ", (out / "digest.txt").string(),
                "; free some space and run the same command again");
  fs::create_directories(root_ / "seconds");
  write_unflushed(root_ / "seconds" / key, c10::str(seconds, "\n"));
  fs::create_directories(place.parent_path());
  fs::remove_all(place);
  fs::rename(out, place);
  std::error_code left_behind;
  fs::remove_all(failed(key), left_behind);  // at once: who looks at the result may write it anew
  afterwards_->begin([place, store = root_ / "store", own = root_ / "work" / key] {
    try {
      for (const fs::path& path : {place / "digest.txt", place, place.parent_path(), store})
        flush(path);
    } catch (const Error&) {
      return;  // as after a power cut: the next run finds it, or goes on from the checkpoint
    }
    std::error_code kept;
    fs::remove_all(own, kept);
  });
  return digest;
}

double Store::seconds(const std::string& key) const {
  double seconds = 0;
  if (!key.empty()) std::ifstream(root_ / "seconds" / key) >> seconds;
  return seconds;
}

std::string Store::closest_key_text(const std::string& stage, const std::string& now) const {
  return key_texts_->closest(root_ / "store", stage, now);
}

std::string Store::content_lines(const std::string& option, const fs::path& path) const {
  const std::vector<FileContent> files = contents_of(path, root_ / "contents");
  if (files.empty()) return "file " + option + ": = missing\n";
  std::string lines;
  for (const FileContent& file : files)
    lines += "file " + option + ": " + file.name + " = " + file.digest + "\n";
  return lines;
}

namespace {

constexpr std::string_view kEquals = " = ";

// "file folder: items.json" -> "items.json (folder)"
std::string file_text(const std::string& name) {
  const size_t colon = name.find(':');
  const std::string option = name.substr(5, colon - 5);
  return colon + 2 < name.size() ? name.substr(colon + 2) + " (" + option + ")" : option;
}

std::string changed_text(const std::string& name, const std::string& before,
                         const std::string& now) {
  if (name.starts_with("file ")) {
    return (now == "missing" ? "file missing: " : "file changed: ") + file_text(name);
  }
  if (name.starts_with("input ")) return name + " changed";  // digests say nothing to a reader
  return name + ": " + before + " -> " + now;
}

std::string added_text(const std::string& line, const std::string& name) {
  if (name.starts_with("file "))
    return (line.ends_with("= missing") ? "file missing: " : "file added: ") + file_text(name);
  return name.starts_with("input ") ? name + " changed" : line;
}

std::string shortened(std::string text) {
  constexpr size_t kMost = 100;
  if (text.size() > kMost) text.replace(kMost - 3, std::string::npos, "...");
  return text;
}

}  // namespace

std::vector<std::string> lines_only_in(const std::string& text, const std::string& other) {
  std::vector<std::string> lines = lines_of(text);
  const std::vector<std::string> others = lines_of(other);
  const std::set<std::string> known(others.begin(), others.end());
  std::erase_if(lines, [&](const std::string& line) { return known.contains(line); });
  return lines;
}

std::string key_difference(const std::string& before, const std::string& now) {
  if (before.empty()) return "never ran";
  const std::vector<std::string> gone = lines_only_in(before, now), all_now = lines_of(now);
  const auto name_of_line = [](const std::string& line) {
    return line.substr(0, line.find(kEquals));
  };
  std::vector<std::string> differences;
  std::set<std::string> told;  // names of lines
  for (const std::string& line : lines_only_in(now, before)) {
    const std::string name = name_of_line(line);
    told.insert(name);
    const auto old_line = std::find_if(gone.begin(), gone.end(), [&](const auto& other) {
      return name != line && name_of_line(other) == name;
    });
    const size_t value = name.size() + kEquals.size();
    differences.push_back(shortened(
        old_line != gone.end() ? changed_text(name, old_line->substr(value), line.substr(value))
                               : added_text(line, name)));
  }
  for (const std::string& line : gone) {
    const std::string name = name_of_line(line);
    const std::string all_gone = line.substr(0, line.find(':')) + ": = missing";
    const bool is_said = std::find(all_now.begin(), all_now.end(), all_gone) != all_now.end();
    if (line.starts_with("file ") && !told.contains(name) && !is_said && line != all_gone)
      differences.push_back(shortened("file removed: " + file_text(name)));
  }
  if (differences.empty()) return "not stored";
  constexpr size_t kShown = 4;
  std::string text;
  for (size_t i = 0; i < std::min(kShown, differences.size()); ++i)
    text += (i > 0 ? "; " : "") + differences[i];
  if (differences.size() > kShown) text += c10::str("; and ", differences.size() - kShown, " more");
  return text;
}

}  // namespace tsrec::host
