#include "amazon_reviews.hpp"

#include <algorithm>

#include "event_reader.hpp"
#include "json_line.hpp"
#include "title_rules.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::interactions {
namespace {

using nlohmann::json;

// How a year's files call what we read.
struct Fields {
  const char *user, *item, *time, *rating, *time_unit;
};
constexpr Fields k2018 = {"reviewerID", "asin", "unixReviewTime", "overall", "seconds"};
constexpr Fields k2023 = {"user_id", "parent_asin", "timestamp", "rating", "milliseconds"};

// Calls use(record) for each line. Returns how many halves of characters are U+FFFD now.
template <class Use>
int64_t for_each_record(TextFile& file, const std::set<std::string>& fields, const Use& use) {
  int64_t replaced = 0;
  while (const auto line = file.next()) {
    if (line->find_first_not_of(" \t") == std::string_view::npos) continue;
    use(record_of(*line, fields, file, replaced));
  }
  return replaced;
}

std::string fields_there(const json& record) {
  std::vector<std::string> names;
  for (const auto& [name, value] : record.items()) names.push_back(name);
  return names.empty() ? "none of them" : "only " + c10::Join(", ", names);
}

const Fields& year_of(const json& review, const std::string& place) {
  const auto has_all = [&](const Fields& year) {
    return review.contains(year.user) && review.contains(year.item) && review.contains(year.time);
  };
  if (has_all(k2023)) return k2023;
  if (has_all(k2018)) return k2018;
  throw DataError(place,
                  "this is no review; expected reviewerID, asin and unixReviewTime (2018) or "
                  "user_id, parent_asin and timestamp (2023), and found ",
                  fields_there(review),
                  "; `reviews` is the file of reviews, `products` that of products");
}

// The product's key; "": a record without one.
std::string key_of(const json& product) {
  std::string key = text_of(product, k2023.item);
  return key.empty() ? text_of(product, k2018.item) : key;
}

// A text, or what a list holds, one behind the other.
std::string joined_text(const json& value, std::string_view between) {
  if (value.is_string()) {
    const std::string& text = value.get_ref<const std::string&>();
    if (!text.starts_with('[') || !text.ends_with(']')) return text;
    try {
      return joined_text(json(io::parse_list_literal(text)), between);
    } catch (const DataError&) {
      return text;  // a sentence in square brackets, not a printed list
    }
  }
  if (value.is_number()) return value.dump();
  std::string joined;
  if (!value.is_array()) return joined;
  for (const json& entry : value) {
    const std::string text = joined_text(entry, between);
    if (!text.empty()) joined += (joined.empty() ? "" : std::string(between)) + text;
  }
  return joined;
}

// A column of the data set, the fields that hold it in 2018's and 2023's products, and what comes
// between the entries of a list.
struct ProductText {
  const char *column, *in_2018, *in_2023, *between;
};
constexpr std::array<ProductText, 5> kTexts = {{{"title", "title", "title", " "},
                                                {"description", "description", "description", " "},
                                                {"brand", "brand", "store", " "},
                                                {"categories", "category", "categories", ", "},
                                                {"features", "feature", "features", " "}}};

}  // namespace

void AmazonReviewsSettings::declare(Options& o) {
  o.add("reviews", reviews)
      .required()
      .help("file of reviews, such as Office_Products.json.gz (2018) or Office_Products.jsonl.gz");
  o.add("products", products)
      .required()
      .help(
          "file of products, such as meta_Office_Products.json.gz or "
          "meta_Office_Products.jsonl.gz");
  o.add("titles", titles)
      .one_of({"minionerec", "any", "all"})
      .help(
          "which products count. minionerec: with a title of 2 characters to 20 words and without "
          "markup of a page; any: with a title; all: also without one");
  cleaning.declare(o);
  preparation.declare(o);
}

NameTable AmazonReviews::read_admissible(Remarks& remarks, Context& context) const {
  TextFile file(settings_.products, Encoding::as_it_comes, context);
  NameTable seen, admissible;
  int64_t refused = 0, records = 0;
  for_each_record(file, {"asin", "parent_asin", "title"}, [&](const json& product) {
    const std::string key = key_of(product);
    if (key.empty() && records == 0)
      throw DataError(file.place(),
                      "this is no product; expected asin (2018) or parent_asin (2023), with title; "
                      "`products` is the file whose name begins with meta_");
    ++records;
    const size_t before = seen.size();
    if (key.empty() || seen.number(key) < before) return;  // the first entry counts
    const std::string title = text_of(product, "title");
    const bool is_admitted =
        settings_.titles == "minionerec" ? is_admitted_by_minionerec(title) : is_title(title);
    if (is_admitted) admissible.number(key);
    refused += is_admitted ? 0 : 1;
  });
  if (refused > 0) remarks["products without an admissible title, left out"] += refused;
  if (admissible.size() == 0)
    throw DataError("'", settings_.products.string(),
                    "' holds no product with an admissible title "
                    "among ",
                    records, "; set titles = \"all\" to do without, or fetch it again");
  return admissible;
}

Events AmazonReviews::read_events(Remarks& remarks, Context& context) const {
  const bool takes_all = settings_.titles == "all";
  NameTable admissible = takes_all ? NameTable() : read_admissible(remarks, context);
  TextFile file(settings_.reviews, Encoding::as_it_comes, context);
  const Fields* year = nullptr;
  std::optional<EventReader> reader;
  std::set<std::string> fields;
  for (const Fields& each : {k2018, k2023})
    fields.insert({each.user, each.item, each.time, each.rating});
  for_each_record(file, fields, [&](const json& review) {
    if (!reader) {
      year = &year_of(review, file.place());
      reader.emplace(
          settings_.preparation, year->time_unit, [&] { return file.place(); },
          std::move(admissible),
          takes_all ? EventReader::Unknown::is_added : EventReader::Unknown::is_left_out);
    }
    reader->read(text_of(review, year->user), text_of(review, year->item),
                 text_of(review, year->time), text_of(review, year->rating));
  });
  if (!reader)
    throw DataError("'", file.path().string(), "' is empty; expected a review a line, as JSON");
  return std::move(*reader).finished(remarks);
}

Items AmazonReviews::with_texts(const Items& items, Remarks& remarks, Context& context) const {
  TextFile file(settings_.products, Encoding::as_it_comes, context);
  std::set<std::string> fields = {"asin", "parent_asin"};
  std::vector<std::string> columns;
  for (const ProductText& text : kTexts) {
    fields.insert({text.in_2018, text.in_2023});
    columns.emplace_back(text.column);
  }
  ItemTexts texts(items, columns, settings_.cleaning);
  const int64_t replaced = for_each_record(file, fields, [&](const json& product) {
    const auto item = texts.item_of(key_of(product));
    if (!item) return;
    for (size_t column = 0; column < kTexts.size(); ++column) {
      auto found = product.find(kTexts[column].in_2023);
      if (found == product.end()) found = product.find(kTexts[column].in_2018);
      if (found == product.end()) continue;
      if (found->is_null()) texts.missing();
      texts.set(*item, column, joined_text(*found, kTexts[column].between));
    }
  });
  if (replaced > 0) remarks["halves of characters (surrogates), replaced by U+FFFD"] += replaced;
  return std::move(texts).finished(settings_.products, remarks);
}

Dataset AmazonReviews::load(Context& context) {
  Remarks remarks;
  Events events = read_events(remarks, context);
  Dataset data = settings_.preparation.prepared(
      std::move(events), std::nullopt, "'" + settings_.reviews.string() + "'", remarks, context);
  data.items = with_texts(data.items, data.remarks, context);
  return data;
}

}  // namespace tsrec::interactions
