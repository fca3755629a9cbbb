// A store that notes what it tells.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "src/store/hit_store.h"
#include "tests/support/hits.h"

namespace detectd {

class Kept {
 public:
  explicit Kept(const std::string& path)
      : Kept(HitStore::Options{.path = path, .spill = {}, .redact = {}, .tell = {}}) {}
  explicit Kept(HitStore::Options options) {
    options.tell = [this](const Error& error) { said_ += error.message + "\n"; };
    auto opened = HitStore::open(std::move(options));
    if (opened) {
      store_ = std::move(*opened);
    } else {
      said_ += "refused: " + opened.error().message + "\n";
    }
  }
  HitStore& operator*() { return *store_; }
  HitStore* operator->() { return store_.get(); }

  // Of one hit.
  Status keep(uint8_t id) {
    store_->record(make_hit({.id = id}));
    return store_->commit();
  }
  // What it told since the last time.
  std::string said() { return std::exchange(said_, {}); }

 private:
  std::string said_;
  std::unique_ptr<HitStore> store_;
};

}  // namespace detectd
