// Small data sets in the layouts of LC-Rec and MiniOneRec.
#pragma once

#include "tsrec/testing/toy.hpp"

namespace tsrec::test {

using kit::TempFolder;

struct LcRecFolder : TempFolder {
  LcRecFolder() {
    write("Toy.item.json",
          R"({"0": {"title": "bolt", "description": "['a', \"b's\"]", "brand": "x"},
                              "1": {"title": "nut", "categories": "c"}, "2": {"title": "wire"}})");
    write("Toy.inter.json", R"({"10": [0, 1], "2": [2, 1, 0, 2]})");
    write("Toy.index.json",
          R"({"0": ["<a_1>", "<b_0>"], "1": ["<a_1>", "<b_2>"], "2": ["<a_0>", "<b_0>"]})");
  }
};

struct MiniOneRecFolder : TempFolder {
  static constexpr const char* kHeader =
      "user_id,history_item_title,item_title,history_item_id,item_id,history_item_sid,item_sid\n";
  MiniOneRecFolder() {
    write("info/Toy.txt", "<a_0><b_1>\tbolt\t0\n<a_0><b_2>\tnut\t1\n");
    write("train/Toy.csv",
          std::string(kHeader) + "A1,\"['bolt, big']\",nut,[0],1,['<a_0><b_1>'],<a_0><b_2>\n");
    write("valid/Toy.csv", std::string(kHeader) + "A7,['nut'],bolt,\"[1, 0, 1]\",0,x,x\n");
    write("test/Toy.csv", std::string(kHeader) + "A1,['nut'],bolt,\"[0, 1]\",0,x,x\n");
  }
};

}  // namespace tsrec::test
