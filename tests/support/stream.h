// Rules and a stream of events, judged one by one: what is reported, and when.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/event_codec.h"
#include "engine/matcher.h"
#include "engine/rule.h"

namespace detectd::testing {

// A document of one file, completed. Throws std::runtime_error with the diagnostics of a mistake.
RuleDocument read_document(const std::string& toml);
// The same, compiled.
std::shared_ptr<const RuleSet> compile_toml(const std::string& toml);

class Stream {
 public:
  explicit Stream(const std::string& toml, Engine::Options options = {})
      : Stream(compile_toml(toml), options) {}
  Stream(std::shared_ptr<const RuleSet> rules, Engine::Options options);

  // Shows a capture line; what is reported at once.
  std::vector<Hit> show(const std::string& line);
  // An exec at `second`, with `fields` as the inside of a JSON object.
  std::vector<Hit> exec(int second, const std::string& fields);
  std::vector<Hit> finish();

  void reload(const std::string& toml);
  Engine& engine() { return engine_; }

 private:
  std::shared_ptr<const RuleSet> rules_;
  Engine engine_;
  std::unique_ptr<EventDecoder> decoder_;
  std::unique_ptr<Matcher> matcher_;
};

// A capture's line for an exec at `second` of some day.
std::string exec_line(int second, const std::string& fields);

// The names of the hits' rules, a fold as `name x4`: "a b x4".
std::string names_of(const std::vector<Hit>& hits);

}  // namespace detectd::testing
