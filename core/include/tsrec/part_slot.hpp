// An option that is a part: an encoder behind one that normalizes it, the rewards of a trainer.
#pragma once

#include <functional>

#include "tsrec/error.hpp"

namespace tsrec {

class Context;
class Part;

// What the host binds to an option of this sort: parts that can be made, each under its name.
class TSREC_API AnySlot {
 public:
  struct Entry {
    std::string name;                                          // no other entry's
    std::function<std::shared_ptr<Part>(Context&)> make = {};  // a fresh part each time
    double weight = 1;                                         // of lists that are weighted()
  };

  AnySlot(const char* kind, bool is_list) : kind_(kind), is_list_(is_list) {}
  const char* kind() const { return kind_; }
  bool is_list() const { return is_list_; }

  std::vector<Entry> entries;  // at most one unless it is a list

 private:
  const char* kind_;
  bool is_list_;
};

// One part of a kind, given as a table: of = { use = "lsa", dimensions = 64 }.
template <class Interface>
class PartSlot : public AnySlot {
 public:
  PartSlot() : AnySlot(Interface::kKind, /*is_list=*/false) {}
  explicit operator bool() const { return !entries.empty(); }
  std::shared_ptr<Interface> make(Context& context) const {
    if (entries.empty()) throw Error("no ", kind(), " is given");
    return std::static_pointer_cast<Interface>(entries.front().make(context));
  }
};

// Any number of them, given as a list of tables; its entries merge by name across files.
template <class Interface>
class PartList : public AnySlot {
 public:
  PartList() : AnySlot(Interface::kKind, /*is_list=*/true) {}
  size_t size() const { return entries.size(); }
  const std::string& name(size_t i) const { return entries.at(i).name; }
  double weight(size_t i) const { return entries.at(i).weight; }
  std::shared_ptr<Interface> make(size_t i, Context& context) const {
    return std::static_pointer_cast<Interface>(entries.at(i).make(context));
  }
};

}  // namespace tsrec
