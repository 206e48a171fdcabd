#include "movielens.hpp"

#include <algorithm>

#include "event_reader.hpp"
#include "table_file.hpp"

namespace tsrec::interactions {
namespace {

namespace fs = std::filesystem;
using Fields = std::vector<std::string>;

// How one of the data sets lies in its folder. A movie's genres are names in a field, or marks in
// nineteen.
struct Layout {
  const char *ratings, *movies, *separator;
  bool is_csv;  // with a header line and quotes
  size_t rating_fields, movie_fields;
};
constexpr std::array<Layout, 3> kLayouts = {{{"u.data", "u.item", "|", false, 4, 24},
                                             {"ratings.dat", "movies.dat", "::", false, 4, 3},
                                             {"ratings.csv", "movies.csv", ",", true, 4, 3}}};
constexpr std::array<const char*, 19> kGenres = {
    "unknown",     "Action", "Adventure", "Animation", "Children's", "Comedy",  "Crime",
    "Documentary", "Drama",  "Fantasy",   "Film-Noir", "Horror",     "Musical", "Mystery",
    "Romance",     "Sci-Fi", "Thriller",  "War",       "Western"};
constexpr size_t kFirstGenre = 5;  // of u.item: behind id, title, two dates and an address

const Layout& layout_of(const fs::path& folder) {
  if (!fs::is_directory(folder))
    throw DataError("there is no folder '", folder.string(),
                    "'; set the source's `folder` to where MovieLens was unpacked");
  for (const Layout& layout : kLayouts) {
    if (!fs::exists(folder / layout.ratings)) continue;
    if (!fs::exists(folder / layout.movies))
      throw DataError("'", folder.string(), "' holds ", layout.ratings, " but no ", layout.movies,
                      "; unpack the whole archive there");
    return layout;
  }
  Fields names;
  for (const auto& entry : fs::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  if (names.size() > 8) names.resize(8);
  throw DataError("'", folder.string(),
                  "' is no folder of MovieLens; expected u.data and u.item (100k), ratings.dat and "
                  "movies.dat (1m, 10m), or ratings.csv and movies.csv (20m to 32m), and found ",
                  names.empty() ? "nothing" : c10::Join(", ", names));
}

Fields fields_between(std::string_view line, std::string_view separator) {
  Fields fields;
  while (true) {
    const size_t at = line.find(separator);
    fields.emplace_back(line.substr(0, at));
    if (at == std::string_view::npos) return fields;
    line.remove_prefix(at + separator.size());
  }
}

// Every record of a file without header and quotes; ISO-8859-1 where it is no UTF-8.
template <class Use>
void for_each_line(TextFile& file, std::string_view separator, size_t num_fields, const Use& use) {
  while (const auto line = file.next()) {
    if (line->empty()) continue;
    const Fields fields = fields_between(*line, separator);
    if (fields.size() != num_fields)
      throw DataError(file.place(), fields.size(), " fields; expected ", num_fields, " with '",
                      separator == "\t" ? "<tab>" : separator,
                      "' between them, so fetch the file again or mend the line");
    use(fields);
  }
}

std::string genres_of(const Fields& movie) {
  if (movie.size() <= kFirstGenre)
    return movie[2] == "(no genres listed)" ? "" : c10::Join(", ", fields_between(movie[2], "|"));
  std::string genres;
  for (size_t genre = 0; genre < kGenres.size(); ++genre) {
    if (movie[kFirstGenre + genre] == "1")
      genres += (genres.empty() ? "" : ", ") + std::string(kGenres[genre]);
  }
  return genres;
}

Events read_ratings(const fs::path& path, const Layout& layout, const Preparation& how,
                    Remarks& remarks, Context& context) {
  if (layout.is_csv) {
    TableFile file(path, ',', Encoding::utf8_or_latin1, context);
    EventReader reader(how, "seconds", [&] { return file.place(); });
    const size_t user = file.column("userId"), item = file.column("movieId"),
                 rating = file.column("rating"), time = file.column("timestamp");
    while (file.next())
      reader.read(file.field(user), file.field(item), file.field(time), file.field(rating));
    return std::move(reader).finished(remarks);
  }
  TextFile file(path, Encoding::utf8_or_latin1, context);
  EventReader reader(how, "seconds", [&] { return file.place(); });
  const std::string_view separator = layout.movie_fields > 3 ? "\t" : layout.separator;
  for_each_line(file, separator, layout.rating_fields,
                [&](const Fields& row) { reader.read(row[0], row[1], row[3], row[2]); });
  return std::move(reader).finished(remarks);
}

Items with_titles(const fs::path& path, const Layout& layout, const Items& items,
                  const Cleaning& cleaning, Remarks& remarks, Context& context) {
  ItemTexts texts(items, {"title", "categories"}, cleaning);
  const auto read = [&](const Fields& movie) {
    const auto item = texts.item_of(trimmed(movie[0]));
    if (!item) return;
    texts.set(*item, 0, movie[1]);
    texts.set(*item, 1, genres_of(movie));
  };
  if (layout.is_csv) {
    TableFile file(path, ',', Encoding::utf8_or_latin1, context);
    const size_t key = file.column("movieId"), title = file.column("title"),
                 genres = file.column("genres");
    while (file.next()) read({file.field(key), file.field(title), file.field(genres)});
    file.add_remarks(remarks);
  } else {
    TextFile file(path, Encoding::utf8_or_latin1, context);
    for_each_line(file, layout.separator, layout.movie_fields, read);
    file.add_remarks(remarks);
  }
  return std::move(texts).finished(path, remarks);
}

}  // namespace

void MovieLensSettings::declare(Options& o) {
  o.add("folder", folder)
      .required()
      .help("folder of MovieLens 100k, 1m, 10m, 20m, 25m or 32m as it was unpacked");
  cleaning.declare(o);
  preparation.declare(o);
}

Dataset MovieLens::load(Context& context) {
  const Layout& layout = layout_of(settings_.folder);
  Remarks remarks;
  const fs::path ratings = settings_.folder / layout.ratings;
  Dataset data = settings_.preparation.prepared(
      read_ratings(ratings, layout, settings_.preparation, remarks, context), std::nullopt,
      "'" + ratings.string() + "'", remarks, context);
  data.items = with_titles(settings_.folder / layout.movies, layout, data.items, settings_.cleaning,
                           data.remarks, context);
  return data;
}

}  // namespace tsrec::interactions
