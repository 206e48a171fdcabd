// A good table of parts of all kinds; each breaks one promise of its interface.
#include "bad/faulty.hpp"
#include "bad/faulty/data_parts.hpp"
#include "bad/faulty/model_parts.hpp"
#include "bad/faulty/rankings.hpp"

namespace {

using namespace tsrec;
using namespace tsrec::bad;

template <class Impl, class Settings = ToyCodes>
constexpr PartInfo quantizer(const char* name) {
  return faulty<Quantizer, Impl, Settings>(name);
}

}  // namespace

TSREC_PLUGIN("acme.faulty_parts", "1.2.0",  //
             (faulty<Source, SpoiledData<unknown_item>>("unknown_item")),
             (faulty<Source, SpoiledData<short_times>>("short_times")),
             (faulty<Source, SpoiledData<crash>>("crashes")),
             (faulty<Source, SpoiledData<leave>>("leaves")),
             (faulty<Encoder, SpoiledVectors<to_double>>("doubles")),
             (faulty<Encoder, SpoiledVectors<with_nan>>("with_nan")),
             (faulty<Encoder, SpoiledVectors<without_last>>("row_missing")),
             (faulty<Encoder, NeedsAFile>("needs_a_file")),
             (quantizer<SpoiledCodes<to_float>>("float_codes")),
             (quantizer<SpoiledCodes<to_int32>>("int32_codes")),
             (quantizer<SpoiledCodes<transposed>>("transposed_codes")),
             (quantizer<SpoiledCodes<first_level>>("flat_codes")),
             (quantizer<SpoiledCodes<below_zero>>("negative_codes")),
             (quantizer<SpoiledCodes<above_sizes>>("large_codes")),
             (quantizer<SpoiledCodes<without_last>>("row_missing")),
             (quantizer<SpoiledCodes<other_each_time>>("impure_codes")),
             (quantizer<ShortSizes>("short_sizes")), (quantizer<OverwritingFit>("overwriting_fit")),
             (quantizer<NoCodebook>("no_codebook")),
             (quantizer<NeverMade<DeclaredTwice>, DeclaredTwice>("declared_twice")),
             (quantizer<NeverMade<DefaultOutside>, DefaultOutside>("default_outside")),
             (faulty<Resolver, SpoiledSids<one_for_all>>("one_for_all")),
             (faulty<Resolver, SpoiledSids<one_level_less>>("one_level_less")),
             (faulty<Extractor, ForeignToken>("foreign_token")),
             (faulty<Backbone, ForgetsTokens>("forgets_tokens")),
             (faulty<Initializer, SpoiledRows<one_row_less>>("row_missing")),
             (faulty<Initializer, SpoiledRows<rows_of_nan>>("rows_of_nan")),
             (faulty<Initializer, SpoiledRows<head_of_a_tied_model>>("head_of_a_tied_model")),
             (faulty<Task, SpoiledExamples<no_such_item>>("no_such_item")),
             (faulty<Task, SpoiledExamples<no_such_target>>("no_such_target")),
             (faulty<Task, SpoiledExamples<no_such_sample>>("no_such_sample")),
             (faulty<Task, NegativeSize>("negative_size")),
             (faulty<Task, NeedsNotes>("needs_notes")),
             (faulty<Trainer, Measures<accuracy_alone>>("accuracy_alone")),
             (faulty<Trainer, Measures<loss_of_nan>>("loss_of_nan")),
             (faulty<Trainer, Measures<nothing>>("measures_nothing")),
             (faulty<Trainer, NegativeSteps>("negative_steps")),
             (faulty<Trainer, NeedsMoreRows>("needs_more_rows")),
             (faulty<Reward, SpoiledScores<doubles>>("doubles")),
             (faulty<Reward, SpoiledScores<not_a_number>>("not_a_number")),
             (faulty<Reward, SpoiledScores<one_for_a_prompt>>("one_for_a_prompt")),
             (faulty<Reward, OverwritesRollouts>("overwrites_rollouts")),
             (faulty<Observer, NoReason>("no_reason")),
             (faulty<Recommender, SpoiledLists<beyond_the_catalogue>>("beyond_the_catalogue")),
             (faulty<Recommender, SpoiledLists<one_item_twice>>("one_item_twice")),
             (faulty<Recommender, SpoiledLists<scores_of_nan>>("scores_of_nan")),
             (faulty<Recommender, SpoiledLists<worst_first>>("worst_first")),
             (faulty<Recommender, SpoiledLists<a_list_less>>("a_list_less")),
             (faulty<Metric, Gives<nan_number>>("nan_number")),
             (faulty<Metric, Gives<unnamed_number>>("unnamed_number")),
             (faulty<Metric, Gives<number_twice>>("number_twice")),
             (faulty<Metric, Gives<row_short>>("row_short")),
             (faulty<Metric, SortsTheLists>("sorts_the_lists")))
