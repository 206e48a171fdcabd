// Every number of a run as a line of JSON, in one file of the run's folder.
#include <fstream>

#include "tsrec/io/number_line.hpp"
#include "tsrec/parts/tracker.hpp"

namespace {

using namespace tsrec;

struct Settings {
  std::string file = "metrics.jsonl";
  void declare(Options& o) {
    o.add("file", file).help("name of the file in the run's folder").check([this] {
      const bool is_name =
          !file.empty() && file.find('/') == std::string::npos && file != "." && file != "..";
      return is_name ? "" : "file = \"" + file + "\" must be the name of a file, without a folder";
    });
  }
};

class JsonLines final : public Tracker {
 public:
  JsonLines(const Settings& settings, Context&) : settings_(settings) {}

  void open(const TrackedRun& run) override {
    file_ = run.folder / settings_.file;
    if (std::filesystem::exists(file_))
      throw DataError("'", file_.string(), "' is there already; give this tracker another  file");
    out_.open(file_);
    check();
  }
  void number(std::string_view stage, std::string_view name, double value, int64_t step) override {
    out_ << io::number_line(stage, name, value, step) << std::flush;  // somebody looks on
    check();
  }
  void close() override {
    out_.close();
    check();
  }

 private:
  void check() const {
    if (!out_) throw DataError("cannot write '", file_.string(), "'; is there space?");
  }
  Settings settings_;
  std::filesystem::path file_;
  std::ofstream out_;
};

}  // namespace

TSREC_PLUGIN("tsrec.jsonl", "0.1.0",
             tsrec::part<tsrec::Tracker, JsonLines, Settings>(
                 "jsonl", /*revision=*/1, "Every number of a run as a line of JSON"))
