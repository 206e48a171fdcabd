#include <fstream>

#include "tsrec/testing/toy.hpp"

namespace tsrec::kit {
namespace {

constexpr int64_t kLevels = 3, kCodes = 4;

at::Generator fixed_generator(uint64_t seed) { return at::detail::createCPUGenerator(seed); }

constexpr std::array<const char*, 4> kColours = {"red", "green", "blue", "grey"};
constexpr std::array<const char*, 4> kThings = {"bolt", "washer", "hinge", "bracket"};
constexpr std::array<const char*, 4> kMakes = {"steel", "brass", "nylon", "oak"};
constexpr std::array<const char*, 3> kBrands = {"Norvik", "Astera", "Ballon"};

const char* thing_of(int64_t item) { return kThings[static_cast<size_t>(item / 4 % 4)]; }

std::string title_of(int64_t item) {
  return c10::str(kMakes[static_cast<size_t>(item / 16 % 4)], " ", thing_of(item), " with a ",
                  kColours[static_cast<size_t>(item % 4)], " cap, size ", item / 8);
}

}  // namespace

Items toy_items(int64_t count) {
  std::vector<std::string> keys, titles, descriptions, categories, brands, prices;
  for (int64_t item = 0; item < count; ++item) {
    keys.push_back(c10::str("item-", item));
    titles.push_back(title_of(item));
    descriptions.push_back("A " + titles.back() + " for doors and cabinets.");
    categories.emplace_back(thing_of(item));
    brands.emplace_back(kBrands[static_cast<size_t>(item % 3)]);
    prices.push_back(c10::str(1 + item % 7, ".", item % 2 == 0 ? "50" : "99"));
  }
  if (count > 3) titles[3] = descriptions[3] = brands[3] = prices[3] = "";
  if (count > 5) {
    titles[5] = titles[4];
    descriptions[5] = descriptions[4];
  }
  if (count > 6) titles[6] = "Café Nº 6 ☕ 扉の蝶番";
  Items items(keys);
  items.set("title", titles);
  items.set("description", descriptions);
  items.set("category", categories);
  items.set("brand", brands);
  items.set("price", prices);
  return items;
}

Dataset toy_data(int64_t num_items, int64_t num_users) {
  Dataset data;
  data.items = toy_items(num_items);
  std::vector<UserSequence> users;
  for (int64_t user = 0; user < num_users && num_items > 0; ++user) {
    UserSequence sequence;
    sequence.user = user;
    const int64_t length = user == 0 ? 2 : 3 + user % 6;
    for (int64_t step = 0; step < length; ++step) {
      sequence.items.push_back((user * 7 + step * (1 + user % 3)) % num_items);
      sequence.times.push_back(1000 * step + user);
    }
    users.push_back(sequence);
  }
  data.train = data.valid = data.test = Samples::empty();
  if (!users.empty()) split_leave_one_out(users, /*max_history=*/6, data);
  return data;
}

SidTable toy_sids(int64_t num_items) {
  SidTable sids;
  sids.sizes.assign(kLevels, kCodes);
  sids.code_NL = torch::empty({num_items, kLevels}, torch::kInt64);
  for (int64_t item = 0; item < num_items; ++item) {
    const int64_t number = item == num_items - 1 && item > 0 ? item - 1 : item;
    sids.code_NL[item][0] = number / (kCodes * kCodes) % kCodes;
    sids.code_NL[item][1] = number / kCodes % kCodes;
    sids.code_NL[item][2] = number % kCodes;
  }
  return sids;
}

std::vector<TokenNote> toy_notes(const SidTable& sids) {
  std::vector<TokenNote> notes;
  for (const TokenCluster& cluster : token_clusters(sids)) {
    const std::string title = title_of(cluster.items.front());
    const std::string first = title.substr(0, title.find(' '));
    notes.push_back({cluster.token, "Things like a " + title + ".", {first, "cap", "cabinet"}});
  }
  return notes;
}

torch::Tensor toy_vectors(int64_t count, int64_t width) {
  at::Generator generator = fixed_generator(5);
  const torch::Tensor centre_8D = 3 * torch::randn({8, width}, generator);
  torch::Tensor x_ND = torch::randn({count, width}, generator);
  for (int64_t n = 0; n < count; ++n) x_ND[n] += centre_8D[n % 8];
  if (count > 1) x_ND[1] = x_ND[0];
  return x_ND;
}

Rollouts toy_rollouts(const SidTable& sids, const Vocabulary& vocabulary, int64_t num_prompts,
                      int64_t num_completions) {
  const std::vector<int64_t> group_N = sids.group_N();
  Rollouts rollouts;
  const auto shape = {num_prompts, num_completions};
  rollouts.item_BG = torch::empty(shape, torch::kInt64);
  rollouts.leaf_BG = torch::empty(shape, torch::kInt64);
  rollouts.log_prob_BG = torch::empty(shape);
  rollouts.target_B = torch::empty({num_prompts}, torch::kInt64);
  SamplesBuilder asked;
  for (int64_t b = 0; b < num_prompts; ++b) {
    rollouts.token_BG.emplace_back();
    // Leaves are distinct, so that items of one SID stand for themselves once.
    const int64_t items = std::max<int64_t>(1, sids.num_items() - 1);
    for (int64_t g = 0; g < num_completions; ++g) {
      const int64_t item = (b * 11 + g * 3) % items;
      rollouts.item_BG[b][g] = item;
      rollouts.leaf_BG[b][g] = group_N[static_cast<size_t>(item)];
      rollouts.log_prob_BG[b][g] = -1.0 - 0.5 * static_cast<double>(g);
      rollouts.token_BG.back().push_back(vocabulary.ids(sids, item));
    }
    const int64_t offset = b % 2 == 0 ? 3 : 1;  // every second target is no completion
    const int64_t target = (b * 11 + offset) % items;
    rollouts.target_B[b] = target;
    if (b % 3 == 2) {
      asked.add(/*user=*/-1, /*history=*/{}, target, /*time=*/0);
    } else {
      const std::array<int64_t, 2> history = {(b * 5 + 1) % items, (b * 11 + 2) % items};
      asked.add(/*user=*/b, history, target, /*time=*/1000 + b);
    }
  }
  rollouts.samples = asked.build();
  return rollouts;
}

EarlierStages toy_earlier_stages(int64_t num_items, const std::set<std::string>& recommenders) {
  EarlierStages earlier;
  earlier.x_ND = toy_vectors(num_items);
  for (const std::string& name : recommenders) {
    earlier.recommenders[name] = [num_items](const Samples& samples, int64_t num_candidates) {
      const int64_t width = std::min(num_candidates, num_items);
      Rankings rankings;
      rankings.item_SM = torch::empty({samples.size(), width}, torch::kInt64);
      rankings.score_SM = -torch::arange(width).to(torch::kFloat32).repeat({samples.size(), 1});
      for (int64_t row = 0; row < samples.size(); ++row) {
        const auto history = samples.history(row);
        const int64_t newest = history.empty() ? 0 : history.back();
        for (int64_t m = 0; m < width; ++m) rankings.item_SM[row][m] = (newest + 1 + m) % num_items;
      }
      return rankings;
    };
  }
  return earlier;
}

Rankings toy_rankings(const Samples& samples, const SidTable* sids, int64_t num_items,
                      int64_t width) {
  Rankings rankings;
  rankings.item_SM = torch::full({samples.size(), width}, -1, torch::kInt64);
  rankings.score_SM = torch::zeros({samples.size(), width});
  rankings.certified_S = torch::arange(samples.size()).remainder(width + 1);
  for (int64_t row = 0; row < samples.size(); ++row) {
    const int64_t target = samples.target(row), place = row % (width + 2);
    for (int64_t m = 0, item = 0; m < width && item < num_items; ++m) {
      if (item == target) ++item;
      if (m != place && item == num_items) break;
      rankings.item_SM[row][m] = m == place ? target : item++;
      rankings.score_SM[row][m] = -static_cast<double>(m);
    }
  }
  if (sids != nullptr) {
    const std::vector<int64_t> group_N = sids->group_N();
    rankings.leaf_SM = torch::full_like(rankings.item_SM, -1);
    for (int64_t i = 0; i < rankings.item_SM.numel(); ++i) {
      const int64_t item = rankings.item_SM.view(-1)[i].item<int64_t>();
      if (item >= 0) rankings.leaf_SM.view(-1)[i] = group_N[static_cast<size_t>(item)];
    }
  }
  return rankings;
}

TempFolder::TempFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "tsrec-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw Error("cannot create ", pattern);
  path_ = pattern;
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path TempFolder::write(const std::string& name, std::string_view bytes) const {
  std::filesystem::create_directories((path_ / name).parent_path());
  std::ofstream(path_ / name, std::ios::binary) << bytes;
  return path_ / name;
}

}  // namespace tsrec::kit
