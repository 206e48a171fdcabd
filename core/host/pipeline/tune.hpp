// [tune]: options of models that are chosen on validation rows, with one budget for every model.
#pragma once

#include "config/document.hpp"

namespace tsrec::host {

struct Parts;  // parts.hpp

// What an option may be: one of several values, or a number between two.
struct TunedOption {
  std::string path;  // of its key below the entry: "decay", "lora.rank"
  Origin origin;
  std::vector<Node> values = {};  // empty: the range
  double low = 0, high = 0;       // closed
  bool is_log = false, is_whole = false;
};

// An entry of [[recommender]] or [[stage]] whose options are chosen.
struct TunedModel {
  std::string name, place;  // "markov", and "recommender.markov" where a document has it
  std::vector<TunedOption> options = {};
};

struct TSREC_HOST_API TuneSettings {
  void declare(Options& options);

  std::string search = "random", watch = "auto";
  int64_t trials = 20, rows = 0, seed = 1;
  double seconds = 0;              // 0: as many as `trials` take
  std::vector<int64_t> seeds;      // of the report; empty: [compare]'s, else [run]'s
  std::vector<TunedModel> models;  // empty without [tune]
};

// Problems go to document.complain(). An experiment without [tune] tunes no model.
TuneSettings read_tune(const Document& document, const Parts& parts);

// The trials of a model in their order, none of them twice: what each overrides in the document. A
// random draw is a function of [tune] seed, the names of model and option, and its place; it has no
// more digits than a table shows. A grid is gone through in an order that seed and name decide, so
// that what `trials` cuts off is no corner of it.
TSREC_HOST_API std::vector<DocumentRequest::Overrides> trials_of(const TuneSettings& settings,
                                                                 const TunedModel& model);
// How many combinations of values there are; 0: without end, because an option has a range.
TSREC_HOST_API int64_t combinations(const TunedModel& model);

// "decay = 0.3, learning_rate = 0.001": without the place of the model.
TSREC_HOST_API std::string text_of(const DocumentRequest::Overrides& trial,
                                   const TunedModel& model);
// A document that --with takes: these values, and nothing else. experiment: the document that they
// are of.
TSREC_HOST_API Node document_of(const DocumentRequest::Overrides& chosen, const Node& experiment);

// Where the whole experiment lies with what was chosen, in the tuning's folder: "reported/seed17".
std::string tuned_folder(int64_t seed);

}  // namespace tsrec::host
