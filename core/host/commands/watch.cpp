// The page of a run while it runs, for a browser of this machine.
#include <ATen/Parallel.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <thread>
#include <utility>

#include "commands/commands.hpp"
#include "commands/shown_runs.hpp"
#include "report/live/live_run.hpp"
#include "report/page/comparison.hpp"
#include "support/event_server.hpp"
#include "support/log.hpp"
#include "support/signals.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

// A run, or all cells of a comparison that were begun, as they stand when they are looked at.
class Watched {
 public:
  Watched(const Arguments& arguments, const Store& store)
      : arguments_(arguments),
        store_(store),
        named_(shown_run(arguments, arguments.words.front())) {
    title_ = named_->opened.experiment.run.name;
  }

  const std::string& title() const { return title_; }
  const std::string& name() const { return named_->name; }

  void look() {
    if (has_cells(named_->folder))
      add_cells();
    else if (runs_.empty())
      add(std::make_unique<ShownRun>(*named_));
    for (const auto& run : runs_) run->live.look();
  }

  bool has_ended() const {
    const bool all_ended =
        !runs_.empty() && std::all_of(runs_.begin(), runs_.end(),
                                      [](const auto& run) { return run->live.has_ended(); });
    if (!has_cells(named_->folder)) return all_ended;
    return fs::exists(named_->folder / "results.md") ||
           (all_ended && runs_.size() == all_cells().size());
  }

  std::string live_text() const {
    std::vector<const LiveRun*> lives;
    for (const auto& run : runs_) lives.push_back(&run->live);
    return live_json(lives, has_ended())
        .dump(-1, ' ', /*ensure_ascii=*/true, ordered_json::error_handler_t::replace);
  }

  // Makes anew what the page shows of the next run that has news: one run a call, because what is
  // being done must not wait for many. Behind the last of them the page's document, if it is new.
  std::optional<std::string> new_document() {
    while (next_ < runs_.size()) {
      One& one = *runs_[next_++];
      const auto now = std::pair(one.live.revision(), /*is_at_work=*/!has_ended());
      if (one.shown == now) continue;
      one.run->stages = one.live.stages();
      one.run->report = run_report(one.run->opened.experiment, one.run->stages);
      one.json = page_run_json(one.run->page_run(store_), now.second);
      one.shown = now;
      is_new_ = true;
      if (next_ < runs_.size()) return std::nullopt;
    }
    next_ = 0;
    return std::exchange(is_new_, false) ? std::optional(document()) : std::nullopt;
  }
  bool is_making_a_document() const { return next_ > 0; }

 private:
  struct One {
    std::unique_ptr<ShownRun> run;
    LiveRun live;
    std::pair<int64_t, bool> shown = {0, false};  // revision, whether it was at work
    ordered_json json = {};                       // of the page
  };

  const Experiment& comparison() const { return named_->opened.experiment; }
  std::vector<CellUnderSeed> all_cells() const {
    return cells_under_seeds(comparison().compare, comparison().run.seed);
  }

  void add(std::unique_ptr<ShownRun> run) {
    const ShownRun& shown = *run;
    runs_.push_back(std::make_unique<One>(
        One{std::move(run), LiveRun(shown.name, shown.folder, shown.opened.experiment, store_)}));
  }

  // A comparison that has just begun was taken for a run.
  void add_cells() {
    std::erase_if(runs_, [](const auto& run) { return run->run->cell.empty(); });
    for (const CellUnderSeed& cell : all_cells()) {
      const bool is_known = std::any_of(runs_.begin(), runs_.end(), [&](const auto& one) {
        return one->run->folder == named_->folder / cell.folder();
      });
      if (is_known) continue;
      if (auto run = begun_run(arguments_, named_->opened, named_->folder, cell))
        add(std::move(run));
    }
  }

  std::string document() const {
    ReportDocument document;
    document.title = title_;
    std::vector<PageRun> pages;
    for (const auto& run : runs_) {
      document.runs.push_back(run->json);
      pages.push_back(run->run->page_run(store_));
    }
    if (pages.size() > 1) document.comparison = page_comparison_json(comparison().compare, pages);
    return page_json(document);
  }

  const Arguments& arguments_;
  const Store& store_;
  std::unique_ptr<ShownRun> named_;
  std::string title_;
  std::vector<std::unique_ptr<One>> runs_;
  size_t next_ = 0;      // run, of the document that is being made
  bool is_new_ = false;  // something of it
};

// Until somebody asks it to stop.
void keep_showing(Watched& watched, EventServer& server) {
  constexpr auto kEvery = std::chrono::seconds(1);
  constexpr int kMostFailures = 10;  // in a row
  bool is_end_told = false;
  for (int failures = 0; !stop_requested();) {
    const auto began = std::chrono::steady_clock::now();
    try {
      watched.look();
      server.publish("live", watched.live_text());
      if (const auto document = watched.new_document()) server.publish("document", *document);
      failures = 0;
    } catch (const std::exception&) {
      // A stop; or files that came and went below a reader's hands. What stays wrong is told.
      if (++failures == kMostFailures) throw;
    }
    if (watched.has_ended() && !is_end_told)
      log(Level::info, watched.name() + " has ended; its page stays until Ctrl-C");
    is_end_told = watched.has_ended();
    while (!stop_requested() && !watched.is_making_a_document() &&
           std::chrono::steady_clock::now() - began < kEvery)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

}  // namespace

int command_watch(const Arguments& arguments) {
  if (arguments.words.size() != 1)
    throw ConfigError(
        "watch needs one run: its folder, its name in the store, or the experiment that it is of");
  const Store store(arguments.store);
  Watched watched(arguments, store);
  EventServer server(watch_page(watched.title()), {.port = static_cast<int>(arguments.port)});
  watch_signals(/*acknowledges=*/false);
  std::cout << "watching " << watched.name() << ": " << server.url()
            << "\nCtrl-C closes the page and leaves the run alone" << std::endl;
  // The processors belong to the run first.
  at::set_num_threads(1);
  [[maybe_unused]] const int is_nicer = ::nice(5);
  keep_showing(watched, server);
  std::cerr << std::endl;
  return watched.has_ended() ? kFine : kStopped;
}

}  // namespace tsrec::host
