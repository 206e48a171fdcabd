#include "serving/filters.hpp"

#include <algorithm>

namespace tsrec::host::serving {

template <class Fits>
std::shared_ptr<const Trie> Filters::found(const Fits& fits) const {
  const std::lock_guard lock(mutex_);
  const auto kept = std::find_if(kept_.begin(), kept_.end(), fits);
  if (kept == kept_.end()) return nullptr;
  kept_.splice(kept_.begin(), kept_, kept);
  return kept->trie;
}

std::shared_ptr<const Trie> Filters::trie_for(const AllowList& allowed) const {
  if (allowed == nullptr) return all_;
  if (auto trie = found([&](const Kept& kept) { return kept.asked == allowed; })) return trie;
  std::vector<int64_t> items = *allowed;
  std::sort(items.begin(), items.end());
  items.erase(std::unique(items.begin(), items.end()), items.end());
  if (auto trie = found([&](const Kept& kept) { return kept.items == items; })) return trie;

  auto trie = std::make_shared<const Trie>(all_->restricted_to(items));
  constexpr size_t kMost = 8;
  const std::lock_guard lock(mutex_);
  kept_.push_front({allowed, std::move(items), trie});
  if (kept_.size() > kMost) kept_.pop_back();
  return trie;
}

}  // namespace tsrec::host::serving
