// Descriptions and keywords of SID tokens from a file, as published with TS-Rec's reference code.
#include <nlohmann/json.hpp>

#include "tsrec/io/files.hpp"
#include "tsrec/parts/extractor.hpp"

namespace {

using namespace tsrec;
using nlohmann::json;

struct Settings {
  std::filesystem::path file;
  void declare(Options& o) {
    o.add("file", file)
        .required()
        .help("JSON list of objects with token, description and keywords");
  }
};

class Published final : public Extractor {
 public:
  Published(const Settings& settings, Context&) : settings_(settings) {}

  std::vector<TokenNote> extract(const std::vector<TokenCluster>& clusters, const Items&,
                                 Context& context) override {
    std::map<std::string, TokenNote> note_of = read();
    std::vector<TokenNote> notes;
    std::vector<std::string> missing;
    for (const TokenCluster& cluster : clusters) {
      const auto found = note_of.find(cluster.token);
      if (found == note_of.end()) {
        missing.push_back(cluster.token);
        continue;
      }
      notes.push_back(std::move(found->second));
      note_of.erase(found);
    }
    if (!missing.empty()) {
      throw DataError("'", settings_.file.string(), "' lacks ", missing.size(), " of ",
                      clusters.size(), " SID tokens, the first is ", missing.front(),
                      "; it was written for other SIDs");
    }
    if (!note_of.empty()) {
      context.log(Level::warning,
                  c10::str(note_of.size(), " tokens of ", settings_.file.filename().string(),
                           " are used by no item"));
    }
    return notes;
  }

 private:
  std::map<std::string, TokenNote> read() const {
    const std::string name = settings_.file.string();
    std::map<std::string, TokenNote> notes;
    try {
      const json list = json::parse(io::read_text(settings_.file));
      if (!list.is_array()) throw DataError("'", name, "' is no JSON list of objects");
      for (const json& entry : list) {
        TokenNote note{entry.at("token").get<std::string>(),
                       entry.at("description").get<std::string>(),
                       entry.at("keywords").get<std::vector<std::string>>()};
        const std::string token = note.token;
        if (!notes.emplace(token, std::move(note)).second)
          throw DataError("'", name, "' lists the token ", token, " twice");
      }
    } catch (const json::exception& error) {
      throw DataError("'", name, "' is malformed: ", error.what(),
                      "; expected a list of {token, description, keywords}");
    }
    return notes;
  }

  Settings settings_;
};

}  // namespace

TSREC_PLUGIN("tsrec.published", "0.1.0",
             tsrec::part<tsrec::Extractor, Published, Settings>(
                 "published", /*revision=*/1,
                 "Descriptions and keywords of tokens from a JSON file"))
