// Stages in child processes: a crash in a plugin is a failed stage with its log, not a lost run.
#pragma once

#include "pipeline/runner.hpp"

namespace tsrec::host {

// Every stage is made by `tsrec stage RUN_FOLDER NAME` in a process of its own, from the
// resolved.toml in that folder. What the child says is passed on and kept: when it dies, in
// failed/<key>/log.txt. The trackers are told its numbers when it has ended well.
TSREC_HOST_API MakeStage made_in_child(const Store& store, std::filesystem::path run_folder,
                                       std::vector<std::filesystem::path> plugin_folders,
                                       Trackers& trackers);

// The child's side: runs the stage and leaves its outcome for the parent. Returns the exit code.
TSREC_HOST_API int make_in_this_child(const Experiment& experiment, const Store& store,
                                      const std::string& stage,
                                      const std::filesystem::path& run_folder);

}  // namespace tsrec::host
