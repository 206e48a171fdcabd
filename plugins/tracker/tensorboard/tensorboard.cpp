// The curves of a run for TensorBoard: a folder for each stage, with an event file in it.
#include <unistd.h>

#include <chrono>

#include "event_file.hpp"
#include "tsrec/parts/tracker.hpp"

namespace {

using namespace tsrec;

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

struct Settings {
  std::string folder = "tensorboard";
  void declare(Options& o) {
    o.add("folder", folder).help("name of the folder in the run's, for --logdir").check([this] {
      const bool is_name = !folder.empty() && folder.find('/') == std::string::npos &&
                           folder != "." && folder != "..";
      return is_name ? "" : "folder = \"" + folder + "\" must be a name, without another folder";
    });
  }
};

class TensorBoard final : public Tracker {
 public:
  TensorBoard(const Settings& settings, Context&) : settings_(settings) {}

  void open(const TrackedRun& run) override {
    folder_ = run.folder / settings_.folder;
    if (std::filesystem::exists(folder_))
      throw DataError("'", folder_.string(),
                      "' is there already; give this tracker another  folder");
    make(folder_);
  }
  void number(std::string_view stage, std::string_view name, double value, int64_t step) override {
    file_of(std::string(stage)).scalar(name, static_cast<float>(value), step, now());
  }
  void close() override { files_.clear(); }

 private:
  static void make(const std::filesystem::path& folder) {
    std::error_code failed;
    std::filesystem::create_directory(folder, failed);
    if (failed) throw DataError("cannot make '", folder.string(), "': ", failed.message());
  }
  EventFile& file_of(const std::string& stage) {
    const auto found = files_.find(stage);
    if (found != files_.end()) return found->second;
    const std::filesystem::path folder = folder_ / stage;
    make(folder);
    const double begin = now();
    const std::string file =
        c10::str("events.out.tfevents.", static_cast<int64_t>(begin), ".", host_name());
    return files_.try_emplace(stage, folder / file, begin).first->second;
  }

  Settings settings_;
  std::filesystem::path folder_;
  std::map<std::string, EventFile> files_;
};

}  // namespace

TSREC_PLUGIN("tsrec.tensorboard", "0.1.0",
             tsrec::part<tsrec::Tracker, TensorBoard, Settings>(
                 "tensorboard", /*revision=*/1, "The curves of a run for TensorBoard"))
