// RecBole's atomic files: NAME.inter and NAME.item, or NAME.train.inter, NAME.valid.inter and
// NAME.test.inter, which `tsrec export-data` writes too.
#pragma once

#include "item_texts.hpp"
#include "preparation.hpp"
#include "table_file.hpp"

namespace tsrec::interactions {

struct RecBoleSettings {
  std::filesystem::path folder;
  std::string dataset, user = "user_id", item = "item_id", time = "timestamp", rating,
                       time_unit = "seconds", encoding = "utf8", catalogue = "events";
  std::vector<std::string> texts;
  Cleaning cleaning;
  Preparation preparation;
  void declare(Options& o);
};

class RecBole final : public Source {
 public:
  RecBole(const RecBoleSettings& settings, Context&) : settings_(settings) {}
  Dataset load(Context& context) override;

 private:
  std::string dataset_name() const;
  std::filesystem::path file(const char* ending) const;  // NAME and the ending
  TableFile table(const std::filesystem::path& path, Context& context) const;
  bool has_items() const;
  NameTable read_catalogue(Context& context) const;
  Events read_events(Remarks& remarks, Context& context) const;
  Dataset split_here(Context& context) const;
  Dataset split_in_files(Context& context) const;
  Items with_texts(const Items& items, Remarks& remarks, Context& context) const;
  RecBoleSettings settings_;
};

}  // namespace tsrec::interactions
