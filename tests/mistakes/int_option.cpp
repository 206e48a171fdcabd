#include "tsrec/options.hpp"

struct Settings {
  int codes = 8;
  void declare(tsrec::Options& o) { o.add("codes", codes).help("clusters of every level"); }
};
