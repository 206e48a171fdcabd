// MiniOneRec's layout: train, valid and test CSV, index/ with item.json and index.json, info/.
#pragma once

#include "reading.hpp"

namespace tsrec::published_files {

struct MiniOneRecSettings {
  std::filesystem::path folder, index;
  Reading reading;
  int64_t max_history = 10;

  void declare(Options& o) {
    o.add("folder", folder)
        .required()
        .help("folder with train/, valid/, test/ (a CSV each) and index/ or info/");
    reading.declare(o);
    o.add("index", index)
        .help(
            "another index.json of SIDs; empty: the one in index/, else the SIDs in info/. Read "
            "only where the experiment makes no SIDs");
    o.add("max_history", max_history)
        .range(1, 10000)
        .unit("items")
        .help("older items of a history are dropped");
  }
};

class MiniOneRec final : public Source {
 public:
  MiniOneRec(const MiniOneRecSettings& settings, Context&) : settings_(settings) {}
  Dataset load(Context& context) override;
  std::optional<SidTable> sids(const Items& items, Context& context) override;

 private:
  // A file that ends so in a folder of the data set's; nullopt: there is none, or no such folder.
  std::optional<std::filesystem::path> file_in(const char* folder, const char* ending) const;
  MiniOneRecSettings settings_;
};

}  // namespace tsrec::published_files
