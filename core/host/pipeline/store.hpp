// Where stages keep their results: folders named by the SHA-256 of everything that decides their
// bytes.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "support/api.hpp"

namespace tsrec::host {

class TSREC_HOST_API Store {
 public:
  explicit Store(std::filesystem::path root);  // --store, $TSREC_STORE or .tsrec
  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path artefact(const std::string& key) const;
  std::filesystem::path work(const std::string& key) const;  // made; survives an interruption
  std::filesystem::path lock(const std::string& key) const;  // of a KeyLock
  std::filesystem::path failed(const std::string& key) const;
  bool has(const std::string& key) const;
  std::string digest(const std::string& key) const;  // of the stored bytes; enters the keys below
  // Moves work/<key>/out, which is on the disk with key.txt in it, into the store with one rename;
  // returns the digest. seconds: that it took. digest.txt, which tells that all is there, follows
  // onto the disk while the caller goes on, and then the checkpoints go: a power cut before that
  // leaves a stage that is not stored, and them. The last one to use the store waits for that.
  std::string commit(const std::string& key, double seconds) const;
  // What commit() was told; 0 where it is not known. Beside the artefacts, whose bytes know no
  // time.
  double seconds(const std::string& key) const;
  // The stored key text of this stage that differs least from `now`, the newest of several; "" when
  // it never ran. A store holds many experiments: the closest one explains best what changed. What
  // it has read once it remembers: what is stored does not change.
  std::string closest_key_text(const std::string& stage, const std::string& now) const;
  // What a file holds, or all files of a folder, as lines of a key: "file OPTION: NAME = SHA-256",
  // NAME below the folder. Hidden files do not count. "file OPTION: = missing" where nothing is. A
  // large file is read once and remembered by path, size, times and inode.
  std::string content_lines(const std::string& option, const std::filesystem::path& path) const;

 private:
  struct KeyTexts;
  struct Afterwards;
  std::filesystem::path root_;
  std::shared_ptr<KeyTexts> key_texts_;  // of what is stored, as far as it was read
  std::shared_ptr<Afterwards> afterwards_;
};

// Of an artefact's files, key.txt and digest.txt left out: what commit() returns.
TSREC_HOST_API std::string artefact_digest(const std::filesystem::path& folder);

// The lines of a key text that the other one has not, in their order.
std::vector<std::string> lines_only_in(const std::string& text, const std::string& other);
// "option codes: 256 -> 128; file changed: items.json (folder)": what the two key texts differ in.
TSREC_HOST_API std::string key_difference(const std::string& before, const std::string& now);

}  // namespace tsrec::host
