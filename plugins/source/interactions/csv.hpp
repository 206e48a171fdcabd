// A table of events with columns of any names, and a table of items.
#pragma once

#include "item_texts.hpp"
#include "preparation.hpp"
#include "table_file.hpp"

namespace tsrec::interactions {

struct CsvSettings {
  std::filesystem::path file, items;
  std::string separator, user = "user_id", item = "item_id", time = "timestamp", rating, item_key,
                         time_unit = "seconds", encoding = "utf8", catalogue = "events";
  std::vector<std::string> columns, texts;
  Cleaning cleaning;
  Preparation preparation;
  void declare(Options& o);
};

class Csv final : public Source {
 public:
  Csv(const CsvSettings& settings, Context&) : settings_(settings) {}
  Dataset load(Context& context) override;

 private:
  TableFile table(const std::filesystem::path& file, Context& context) const;
  const std::string& item_key() const;
  NameTable read_catalogue(Context& context) const;
  Events read_events(Remarks& remarks, Context& context) const;
  Items with_texts(const Items& items, Remarks& remarks, Context& context) const;
  CsvSettings settings_;
};

}  // namespace tsrec::interactions
