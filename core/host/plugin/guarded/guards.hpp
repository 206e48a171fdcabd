// The guards of all kinds: parts as the host uses them. The interface stays the same, and so does
// what a part can do beside it; but at every call it is known who is at work, what comes back is
// looked at (tsrec/boundary.hpp), and what is thrown is blamed on the part.
#pragma once

#include "plugin/attribution.hpp"

namespace tsrec::host {

std::shared_ptr<Part> guarded_source(std::shared_ptr<Part> made, Identity part);
std::shared_ptr<Part> guarded_encoder(std::shared_ptr<Part> made, Identity part);
std::shared_ptr<Part> guarded_quantizer(std::shared_ptr<Part> made, Identity part);
std::shared_ptr<Part> guarded_resolver(std::shared_ptr<Part> made, Identity part);
std::shared_ptr<Part> guarded_extractor(std::shared_ptr<Part> made, Identity part);
std::shared_ptr<Part> guarded_backbone(std::shared_ptr<Part> made, Identity part);
std::shared_ptr<Part> guarded_initializer(std::shared_ptr<Part> made, Identity part);
std::shared_ptr<Part> guarded_task(std::shared_ptr<Part> made, Identity part);
std::shared_ptr<Part> guarded_trainer(std::shared_ptr<Part> made, Identity part);
std::shared_ptr<Part> guarded_reward(std::shared_ptr<Part> made, Identity part);
std::shared_ptr<Part> guarded_observer(std::shared_ptr<Part> made, Identity part);
std::shared_ptr<Part> guarded_recommender(std::shared_ptr<Part> made, Identity part);
std::shared_ptr<Part> guarded_metric(std::shared_ptr<Part> made, Identity part);
std::shared_ptr<Part> guarded_tracker(std::shared_ptr<Part> made, Identity part);

}  // namespace tsrec::host
