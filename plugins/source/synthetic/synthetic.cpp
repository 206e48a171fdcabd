// A made-up shop: texts tell what an item is, order tells what is bought next, and both can be
// learnt.
//
// Departments hold kinds of items. An item has a kind, a material, a colour, a size and a brand,
// and its texts are made of those. Kinds follow each other ("goes with"), in the same material:
// who understands what an item is knows what follows it, and counts of item pairs know a part of
// it. Users have interests that drift; a few items are popular.
#include "tsrec/parts/source.hpp"

namespace {

using namespace tsrec;

struct Settings {
  int64_t items = 800, users = 3000, max_history = 10;
  double mean_length = 8, follow = 0.5, drift = 0.1, skew = 0.8;
  std::string split = "leave_one_out";

  void declare(Options& o) {
    o.add("items", items).range(24, 1'000'000).help("items of the catalogue");
    o.add("users", users).range(1, 10'000'000).help("users with a history");
    o.add("mean_length", mean_length)
        .range(3, 200)
        .unit("items")
        .help("mean length of a user's sequence (at least 3)");
    o.add("follow", follow)
        .range(0, 1)
        .help("how often the next item goes with the last one: order predicts");
    o.add("drift", drift)
        .range(0, 1)
        .help("how often an interest moves to another kind: text predicts less");
    o.add("skew", skew).range(0, 3).help("exponent of the items' popularity; 0: all alike");
    o.add("split", split)
        .one_of({"leave_one_out", "global_time"})
        .help(
            "leave_one_out: last item test, second last validation; global_time: 8 : 1 : 1 of all "
            "rows by time");
    o.add("max_history", max_history)
        .range(1, 10000)
        .unit("items")
        .help("older items of a history are dropped");
  }
};

// Uniform numbers in [0, 1) of one stream.
class Draws {
 public:
  explicit Draws(at::Generator generator) : generator_(std::move(generator)) {}

  double uniform() {
    if (at_ == kBlock) {
      block_ = torch::rand({kBlock}, generator_, torch::kFloat64);
      at_ = 0;
    }
    return block_.const_data_ptr<double>()[at_++];
  }
  int64_t below(int64_t count) {
    return static_cast<int64_t>(uniform() * static_cast<double>(count));
  }
  // An index with probability proportional to its weight, given the running sums of the weights.
  size_t weighted(const std::vector<double>& running_sum) {
    const double at = uniform() * running_sum.back();
    const auto found = std::upper_bound(running_sum.begin(), running_sum.end(), at);
    return std::min(static_cast<size_t>(found - running_sum.begin()), running_sum.size() - 1);
  }

 private:
  static constexpr int64_t kBlock = 4096;
  at::Generator generator_;
  torch::Tensor block_;
  int64_t at_ = kBlock;
};

struct Department {
  const char* name;
  const char* use;
  std::array<const char*, 4> kinds;
};
constexpr std::array<Department, 6> kDepartments = {{
    {"fasteners",
     "for joining wood and metal parts",
     {"hex bolt", "wood screw", "wall anchor", "lock washer"}},
    {"electrical",
     "for wiring and power distribution",
     {"extension cable", "wire connector", "circuit breaker", "terminal block"}},
    {"safety",
     "for protecting workers from injury",
     {"work glove", "safety goggle", "hard hat", "ear plug"}},
    {"plumbing",
     "for carrying water without leaks",
     {"pipe fitting", "ball valve", "hose clamp", "rubber gasket"}},
    {"cutting",
     "for shaping hard material precisely",
     {"drill bit", "saw blade", "end mill", "grinding wheel"}},
    {"laboratory",
     "for measuring and mixing samples",
     {"test tube", "glass beaker", "digital scale", "pipette tip"}},
}};
constexpr std::array<const char*, 6> kMaterials = {"steel",  "brass",    "nylon",
                                                   "copper", "titanium", "rubber"};
constexpr std::array<const char*, 6> kColors = {"black",  "blue",   "red",
                                                "silver", "yellow", "white"};
constexpr std::array<const char*, 6> kSizes = {"small",       "medium",  "large",
                                               "extra large", "compact", "heavy duty"};
constexpr std::array<const char*, 8> kBrands = {"Norvik", "Astera", "Ballon", "Kestrel",
                                                "Ordane", "Pellux", "Quarno", "Tovist"};
constexpr int64_t kKinds = 24;

struct Shop {
  std::vector<int64_t> kind_N, material_N;
  std::vector<std::vector<int64_t>> items_of_kind;
  std::vector<std::vector<double>> popularity_of_kind;  // running sums, aligned with items_of_kind
  std::vector<double> popularity;                       // running sums over all items
};

Items make_items(int64_t count, Shop& shop, Draws& draws) {
  std::vector<std::string> keys, titles, descriptions, brands, categories;
  shop.items_of_kind.resize(kKinds);
  for (int64_t item = 0; item < count; ++item) {
    const int64_t kind = item % kKinds;  // every kind has items
    const Department& department = kDepartments[static_cast<size_t>(kind / 4)];
    const char* kind_name = department.kinds[static_cast<size_t>(kind % 4)];
    const int64_t material = draws.below(kMaterials.size());
    const char* color = kColors[static_cast<size_t>(draws.below(kColors.size()))];
    const char* size = kSizes[static_cast<size_t>(draws.below(kSizes.size()))];
    const char* brand = kBrands[static_cast<size_t>(draws.below(kBrands.size()))];
    const char* material_name = kMaterials[static_cast<size_t>(material)];
    shop.kind_N.push_back(kind);
    shop.material_N.push_back(material);
    shop.items_of_kind[static_cast<size_t>(kind)].push_back(item);
    keys.push_back(c10::str("item-", item));
    titles.push_back(c10::str(brand, " ", size, " ", color, " ", material_name, " ", kind_name,
                              ", model ", 100 + item));
    descriptions.push_back(c10::str("A ", size, " ", kind_name, " made of ", material_name, " in ",
                                    color, ", ", department.use, ". Part of the ", department.name,
                                    " line of ", brand, "."));
    brands.emplace_back(brand);
    categories.push_back(c10::str(department.name, ", ", kind_name));
  }
  Items items(std::move(keys));
  items.set("title", std::move(titles));
  items.set("description", std::move(descriptions));
  items.set("brand", std::move(brands));
  items.set("categories", std::move(categories));
  return items;
}

// Item ranks are a shuffle; weights fall with rank ^ -skew.
void make_popularity(double skew, Shop& shop, Draws& draws) {
  const size_t count = shop.kind_N.size();
  std::vector<std::pair<double, size_t>> shuffled;
  for (size_t item = 0; item < count; ++item) shuffled.emplace_back(draws.uniform(), item);
  std::sort(shuffled.begin(), shuffled.end());
  std::vector<double> weight(count);
  for (size_t rank = 0; rank < count; ++rank) {
    weight[shuffled[rank].second] = std::pow(static_cast<double>(rank) + 5, -skew);
  }
  shop.popularity.resize(count);
  std::partial_sum(weight.begin(), weight.end(), shop.popularity.begin());
  for (const std::vector<int64_t>& items : shop.items_of_kind) {
    auto& sums = shop.popularity_of_kind.emplace_back();
    double sum = 0;
    for (const int64_t item : items) sums.push_back(sum += weight[static_cast<size_t>(item)]);
  }
}

int64_t item_of_kind(int64_t kind, const Shop& shop, Draws& draws) {
  const auto at = static_cast<size_t>(kind);
  return shop.items_of_kind[at][draws.weighted(shop.popularity_of_kind[at])];
}

// What one user wants: a kind, and a material liked best.
struct Interest {
  int64_t kind, material;
};

// An item of the kind; of the material too, unless `attempts` draws miss it.
int64_t wanted_item(const Interest& interest, int attempts, const Shop& shop, Draws& draws) {
  int64_t item = item_of_kind(interest.kind, shop, draws);
  for (int attempt = 1;
       attempt < attempts && shop.material_N[static_cast<size_t>(item)] != interest.material;
       ++attempt) {
    item = item_of_kind(interest.kind, shop, draws);
  }
  return item;
}

// An item of the next kind of the department in six cases of ten, of the one behind it in three.
int64_t following_item(int64_t item, const Shop& shop, Draws& draws) {
  const double which = draws.uniform();
  const int64_t step = which < 0.6 ? 1 : which < 0.9 ? 2 : 3;
  const int64_t kind = shop.kind_N[static_cast<size_t>(item)];
  const int64_t material = shop.material_N[static_cast<size_t>(item)];
  return wanted_item({kind / 4 * 4 + (kind + step) % 4, material}, /*attempts=*/16, shop, draws);
}

UserSequence make_user(int64_t number, const Settings& settings, const Shop& shop, Draws& draws) {
  UserSequence user;
  user.user = number;
  Interest interest = {draws.below(kKinds), draws.below(kMaterials.size())};
  // Geometric above 3, with the mean asked for; never more than half the catalogue, so that new
  // items remain.
  const double stop = 1 / (settings.mean_length - 3 + 1);
  int64_t length = 3;
  while (draws.uniform() > stop && length < settings.items / 2) ++length;
  int64_t time = draws.below(1000);
  while (static_cast<int64_t>(user.items.size()) < length) {
    int64_t item = 0;
    const double what = draws.uniform();
    if (!user.items.empty() && what < settings.follow) {
      item = following_item(user.items.back(), shop, draws);
    } else if (what < settings.follow + 0.8 * (1 - settings.follow)) {
      item = wanted_item(interest, /*attempts=*/4, shop, draws);
    } else {
      item = static_cast<int64_t>(draws.weighted(shop.popularity));
    }
    for (int attempt = 0; std::count(user.items.begin(), user.items.end(), item) > 0; ++attempt) {
      item = attempt < 8 ? wanted_item(interest, /*attempts=*/4, shop, draws)
                         : draws.below(settings.items);  // nobody buys twice
    }
    user.items.push_back(item);
    user.times.push_back(time += 1 + draws.below(20));
    if (draws.uniform() < settings.drift) interest.kind = interest.kind / 4 * 4 + draws.below(4);
    if (draws.uniform() < settings.drift / 3) interest.kind = draws.below(kKinds);
  }
  return user;
}

class Synthetic final : public Source {
 public:
  Synthetic(const Settings& settings, Context&) : settings_(settings) {}

  Dataset load(Context& context) override {
    Shop shop;
    Draws catalogue(context.generator("catalogue", 0));
    Dataset data;
    data.items = make_items(settings_.items, shop, catalogue);
    make_popularity(settings_.skew, shop, catalogue);
    std::vector<UserSequence> users;
    Draws behaviour(context.generator("users", 0));
    for (int64_t user = 0; user < settings_.users; ++user)
      users.push_back(make_user(user, settings_, shop, behaviour));
    if (settings_.split == "leave_one_out") {
      split_leave_one_out(users, settings_.max_history, data);
    } else {
      split_by_time(users, settings_.max_history, data);
    }
    return data;
  }

 private:
  Settings settings_;
};

}  // namespace

TSREC_PLUGIN("tsrec.synthetic", "0.1.0",
             tsrec::part<tsrec::Source, Synthetic, Settings>(
                 "synthetic", /*revision=*/2,
                 "A made-up shop whose texts and order both predict the next item"))
