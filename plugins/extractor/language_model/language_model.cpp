// What SID tokens mean, in the words of a language model.
#include "local.hpp"
#include "openai.hpp"

using tsrec::language_model::Local;
using tsrec::language_model::LocalSettings;
using tsrec::language_model::OpenAi;
using tsrec::language_model::OpenAiSettings;

TSREC_PLUGIN("tsrec.language_model", "0.1.0",
             tsrec::part<tsrec::Extractor, Local, LocalSettings>(
                 "local", /*revision=*/1,
                 "Descriptions and keywords by a checkpoint on this machine"),
             tsrec::part<tsrec::Extractor, OpenAi, OpenAiSettings>(
                 "openai", /*revision=*/1,
                 "Descriptions and keywords by a model behind an OpenAI-compatible endpoint"))
