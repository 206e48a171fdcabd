// LC-Rec's layout: NAME.inter.json (user -> items in time order), NAME.item.json, NAME.index.json.
#pragma once

#include "reading.hpp"

namespace tsrec::published_files {

struct LcRecSettings {
  std::filesystem::path folder;
  Reading reading;
  std::string index, split = "leave_one_out";
  int64_t max_history = 20;

  void declare(Options& o) {
    o.add("folder", folder).required().help("folder with NAME.inter.json and NAME.item.json");
    reading.declare(o);
    o.add("index", index)
        .help(
            "file of SIDs in the folder; empty: its *.index.json, if any. Read only where the "
            "experiment makes no SIDs")
        .check([this] {
          const std::filesystem::path file(index);
          return index.empty() || file == file.filename()
                     ? std::string()
                     : "index = \"" + index + "\" is a path; name a file in the folder itself";
        });
    o.add("split", split)
        .one_of({"leave_one_out", "global_time"})
        .help(
            "leave_one_out: last item test, second last validation; global_time needs times, which "
            "this layout lacks")
        .check([this] {
          return split == "leave_one_out" ? std::string()
                                          : "split = \"global_time\" needs times, and LC-Rec's "
                                            "files hold only the order; "
                                            "use split = \"leave_one_out\"";
        });
    o.add("max_history", max_history)
        .range(1, 10000)
        .unit("items")
        .help("older items of a history are dropped");
  }
};

class LcRec final : public Source {
 public:
  LcRec(const LcRecSettings& settings, Context&) : settings_(settings) {}
  Dataset load(Context& context) override;
  std::optional<SidTable> sids(const Items& items, Context& context) override;

 private:
  LcRecSettings settings_;
};

}  // namespace tsrec::published_files
