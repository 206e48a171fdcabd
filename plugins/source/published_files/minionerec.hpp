// MiniOneRec's layout: train, valid and test CSV, index/ with item.json and index.json, info/.
#pragma once

#include "tsrec/parts/source.hpp"

namespace tsrec::published_files {

struct MiniOneRecSettings {
  std::filesystem::path folder, index;
  int64_t max_history = 10;

  void declare(Options& o) {
    o.add("folder", folder)
        .required()
        .help("folder with train/, valid/, test/ (one CSV each) and index/ or info/");
    o.add("index", index)
        .help("another index.json of SIDs; empty: the one in index/, else the SIDs in info/");
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

 private:
  MiniOneRecSettings settings_;
};

}  // namespace tsrec::published_files
