// What the guards of the kinds are made of.
#pragma once

#include "plugin/attribution.hpp"

namespace tsrec::host {

// Hands a part's interface on to the part.
template <class Interface>
class Guard : public Interface, public Guarded {
 public:
  Guard(std::shared_ptr<Part> made, Identity part)
      : Guarded(std::move(part)), made_(std::static_pointer_cast<Interface>(std::move(made))) {}

 protected:
  Interface& made() const { return *made_; }
  template <class Work>
  decltype(auto) call(const char* method, const Work& work) const {
    return in_call(identity(), method, work);
  }

 private:
  std::shared_ptr<Interface> made_;
};

// The guard with what the part can do besides: each Ability adds an interface to a guard, and
// `is_of(part)` says whether the part has it.
template <class Guard>
std::shared_ptr<Part> with_abilities(std::shared_ptr<Part> made, Identity part) {
  return std::make_shared<Guard>(std::move(made), std::move(part));
}
template <class Guard, template <class> class Ability, template <class> class... More>
std::shared_ptr<Part> with_abilities(std::shared_ptr<Part> made, Identity part) {
  return Ability<Guard>::is_of(*made)
             ? with_abilities<Ability<Guard>, More...>(std::move(made), std::move(part))
             : with_abilities<Guard, More...>(std::move(made), std::move(part));
}

}  // namespace tsrec::host
