// Many runs of one experiment that differ in values: a comparison's cells, a tuning's trials. One
// after the other here, or several side by side, in so many processes, which open plugins once and
// take one job after the other.
#pragma once

#include "commands/open.hpp"
#include "pipeline/runner.hpp"

namespace tsrec::host {

struct Job {
  std::string name;              // "words, seed 1"
  std::filesystem::path folder;  // its own, below the command's run folder
  std::shared_ptr<const Experiment> experiment;
  std::string validates = {};  // the model whose trial it is; "": all stages
  WhenHeld when_held = WhenHeld::wait;
};

// How one came to its end.
struct JobEnd {
  std::vector<StageResult> stages;
  double seconds = 0;
  std::string failed = {}, why = {};  // the stage, and its sentence; "": it came to a good end
  bool is_bad_config = false;
  std::string held = {};  // who makes one of its stages, where it left that to them
};

class Jobs {
 public:
  // The experiment that `named` is, varied by whoever calls. run_folder: where jobs get folders.
  Jobs(const Arguments& arguments, std::string named, const Opened& base, const Store& store,
       std::filesystem::path run_folder);

  // The experiment with these values and this seed, and with its share of the threads where several
  // jobs run side by side. cell: how the values' origin is called; "": by the places where they
  // stand. Throws ConfigError where --set decides the seed of them all.
  Experiment varied(DocumentRequest::Overrides values, int64_t seed,
                    const std::string& cell = "") const;
  Experiment varied(const CellUnderSeed& one) const;
  // label: of the folder below run_folder, "cells/words-seed1". To be called when every experiment
  // was varied: a job's folder keeps the plugins that are open by then, for all jobs of a process.
  Job job(const std::string& name, const std::string& label, Experiment experiment,
          const std::string& validates = "") const;

  // All of them, behind one that failed no further; its sentence goes to standard error. One that
  // finds a stage in the hands of another worker is put off while there are others to do. Returns
  // their ends in the order of the jobs, or what failed. Throws Interrupted likewise.
  struct Ends {
    std::vector<std::vector<StageResult>> stages;  // of each job
    std::optional<JobEnd> failed;                  // the first that did
  };
  Ends run_all(const std::vector<Job>& all) const;

  // Until next() has no more to give, now and behind every end. next() is asked whenever there is
  // room for a job, also behind one that it had nothing to do for: it may wait for other ends.
  // Throws Interrupted after a tidy stop of all of them.
  void run(const std::function<std::optional<Job>()>& next,
           const std::function<void(const Job&, const JobEnd&)>& ended) const;

 private:
  void one_after_the_other(const std::function<std::optional<Job>()>& next,
                           const std::function<void(const Job&, const JobEnd&)>& ended) const;
  void side_by_side(const std::function<std::optional<Job>()>& next,
                    const std::function<void(const Job&, const JobEnd&)>& ended) const;
  void begin_folder(const Job& job) const;
  bool is_stored(const Job& job) const;
  const Arguments& arguments_;
  std::string named_;
  const Opened& base_;
  const Store& store_;
  std::filesystem::path run_folder_;
};

}  // namespace tsrec::host
