#include "text/vocabulary.hpp"

#include "tsrec/error.hpp"

namespace tsrec::text {

Vocabulary::Vocabulary(const Spellings& spellings, const std::string& file)
    : pieces_(spellings.size()) {
  std::vector<bool> seen(spellings.size());
  for (const auto& [spelling, id] : spellings) {
    if (id < 0 || id >= static_cast<int64_t>(pieces_.size()) || seen[static_cast<size_t>(id)]) {
      throw DataError(file, ": token ", spelling, " has id ", id, "; expected every id from 0 to ",
                      pieces_.size() - 1, " once");
    }
    seen[static_cast<size_t>(id)] = true;
    pieces_[static_cast<size_t>(id)] = spelling;
  }
  id_of_.reserve(pieces_.size());
  for (size_t id = 0; id < pieces_.size(); ++id) {
    if (!id_of_.emplace(pieces_[id], static_cast<int32_t>(id)).second)
      throw DataError(file, ": token ", pieces_[id], " is listed twice");
  }
}

std::optional<int32_t> Vocabulary::find(std::string_view spelling) const {
  const auto found = id_of_.find(spelling);
  return found == id_of_.end() ? std::nullopt : std::optional(found->second);
}

int32_t Vocabulary::id_of(std::string_view spelling, const std::string& file,
                          const char* field) const {
  const std::optional<int32_t> id = find(spelling);
  if (!id)
    throw DataError(file, ": ", field, " names ", spelling, ", which is not in the vocabulary");
  return *id;
}

Vocabulary read_vocabulary(const Step& step, const std::string& file) {
  const nlohmann::json& listed = step.field("vocab");
  if (!listed.is_object()) step.refuse("vocab must be an object of tokens and ids");
  Spellings spellings;
  spellings.reserve(listed.size());
  for (const auto& [spelling, id] : listed.items())
    spellings.emplace_back(spelling, id.is_number_integer() ? id.get<int64_t>() : -1);
  return Vocabulary(spellings, file);
}

}  // namespace tsrec::text
