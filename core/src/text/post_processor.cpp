#include "text/post_processor.hpp"

namespace tsrec::text {
namespace {

using nlohmann::json;

// ["[CLS]", 101]
int32_t second_of(const Step& step, const char* name) {
  const json& pair = step.field(name);
  if (!pair.is_array() || pair.size() != 2 || !pair[1].is_number_integer())
    step.refuse(c10::str(name, " is no token with its id"));
  return pair[1].get<int32_t>();
}

// "single" lists special tokens and the place of the text, A, in their order.
Surround of_template(const Step& step) {
  Surround around;
  bool is_behind = false;
  try {
    for (const json& piece : step.field("single")) {
      if (piece.contains("Sequence")) {
        if (is_behind || piece.at("Sequence").at("id") != "A")
          step.refuse("'single' must hold the sequence A once");
        is_behind = true;
        continue;
      }
      const auto name = piece.at("SpecialToken").at("id").get<std::string>();
      const auto ids = step.field("special_tokens").at(name).at("ids").get<std::vector<int32_t>>();
      std::vector<int32_t>& side = is_behind ? around.after : around.before;
      side.insert(side.end(), ids.begin(), ids.end());
    }
  } catch (const json::exception& error) {
    step.refuse(c10::str("it is no template: ", error.what()));
  }
  if (!is_behind) step.refuse("'single' must hold the sequence A once");
  return around;
}

}  // namespace

Surround read_post_processor(const Step& step) {
  const std::string& type = step.type();
  if (type == "ByteLevel") return {};  // says where words begin, which nobody asks for here
  if (type == "BertProcessing" || type == "RobertaProcessing")
    return {{second_of(step, "cls")}, {second_of(step, "sep")}};
  if (type == "TemplateProcessing") return of_template(step);
  if (type != "Sequence") {
    step.refuse_type(
        "TemplateProcessing, ByteLevel, BertProcessing, RobertaProcessing and Sequence");
  }
  Surround around;  // every step puts its tokens around what the steps before it made
  for (const Step& part : step.steps("processors")) {
    const Surround outer = read_post_processor(part);
    around.before.insert(around.before.begin(), outer.before.begin(), outer.before.end());
    around.after.insert(around.after.end(), outer.after.begin(), outer.after.end());
  }
  return around;
}

}  // namespace tsrec::text
