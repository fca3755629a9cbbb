#include "engine/event_codec.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <utility>
#include <vector>

#include "engine/captured_value.h"
#include "engine/escape.h"
#include "engine/json_index.h"
#include "engine/json_place.h"
#include "engine/json_text.h"
#include "engine/key_counts.h"
#include "engine/line_shapes.h"
#include "engine/name_tree.h"
#include "engine/timestamp.h"

namespace detectd {
namespace {

using Role = NameNode::Role;

static_assert(EventDecoder::kPadding >= JsonIndex::kPadding);
static_assert(EventDecoder::kPadding >= LineShapes::kPadding);

// Lines are indexed together up to so many bytes, which with their index fit into the second cache.
constexpr size_t kBlockBytes = size_t{64} << 10;

// Behind so many lines that were like none before, where keys may come in any order, only one of so many is tried.
constexpr uint32_t kUnlike = 16;

}  // namespace

// One line after the other. The functions that read return false when the line cannot be used; then
// `problem_` says why, or the line is no JSON and the strict checker finds the place.
class EventDecoder::Walk {
 public:
  explicit Walk(const Schema& schema) : schema_(schema), names_(schema), seen_(names_.size()) {}

  void decode(std::span<LineToDecode> lines);
  const CaptureHeader& header() const { return header_; }

 private:
  // Where a value stands: its node (kUnknown if no name of the schema), and whether unknown text there is
  // for keyword searches.
  struct Place {
    uint32_t node = NameTree::kRoot;
    uint64_t hash = 0;
    bool searchable = true;
  };

  static size_t block_size(std::span<const LineToDecode> lines);
  bool read_indexed(const char* block, const uint32_t*& next, LineToDecode& line);
  void read_alone(LineToDecode& line);
  bool read_alone(std::string_view text, LineToDecode& line);
  LineProblem explain(std::string_view line) const;
  bool read_line(std::string_view text, LineToDecode& line);
  void reset(std::string_view text, LineToDecode& line);
  bool read_as_before();
  bool read_in_full(bool keeps);
  bool read_object(const Place& place, size_t depth);
  bool read_member(const Place& parent, uint64_t object_id, size_t depth);
  bool read_key(std::string_view key, const Place& parent, Place& place);
  bool read_dotted_key(std::string_view key, const Place& parent, Place& place);
  void descend(Place& place, std::string_view part);
  void note_key(const Place& place, uint64_t object_id);
  bool read_unknown(bool searchable, size_t depth);
  bool read_value_of(uint32_t node_index, size_t depth);
  bool read_elements(uint32_t node_index, size_t depth);
  Event::InRaw take_plain_text();
  bool take_short_integer(CapturedValue& scalar);
  bool read_scalar(CapturedValue& scalar);
  bool accept(uint32_t node_index, CapturedValue& scalar, const char* at);
  void apply_role(const NameNode& node, const CapturedValue& scalar);
  void keep_unknown_text(const CapturedValue& scalar);
  void keep_alias_text(const NameNode& node, const CapturedValue& scalar);
  bool wrong(uint32_t node_index, const char* at, std::string_view found);
  Event::InRaw in_raw(const CapturedValue& scalar) const;
  bool store(FieldId id, const CapturedValue& scalar);
  bool store_element(FieldId id, const CapturedValue& scalar);
  void finish();
  void finish_kind();
  void withhold_missing();
  std::optional<LineProblem> check_header() const;

  // The place that is to be read next; behind the line's end once the line is read.
  const char* peek() const { return base_ + *next_; }
  // Whether `c` stands there; then it is passed.
  bool take(char c) {
    const char* const at = peek();
    if (at >= line_end_ || *at != c) return false;
    ++next_;
    return true;
  }

  const Schema& schema_;
  NameTree names_;
  JsonIndex block_index_;
  JsonIndex line_index_;
  LineShapes shapes_;
  uint32_t unlike_ = 0;  // lines in a row that were like none before
  uint32_t closed_ = 0;  // objects, since the last member
  KeyCounts keys_;
  std::vector<uint32_t> seen_;  // by node: the line it was last in
  uint32_t line_number_ = 0;
  std::vector<uint64_t> unknown_paths_;  // of the members that are no nodes
  std::string valid_;                    // a line with its invalid bytes replaced
  std::string unescaped_;
  struct UnknownText {
    bool in_line = false;
    size_t offset = 0;
    size_t size = 0;
  };
  std::vector<UnknownText> unknown_;
  std::string unknown_bytes_;
  CaptureHeader header_;  // of the last header line
  CaptureHeader found_;   // what this line has of one
  bool has_found_ = false;
  int64_t capture_version_ = kCaptureVersion;
  const char* capture_version_at_ = nullptr;

  // Of the line being read.
  std::string_view line_;
  const char* line_end_ = nullptr;
  bool has_escapes_ = false;        // there is a backslash somewhere in it
  const char* base_ = nullptr;      // of what is indexed
  const uint32_t* next_ = nullptr;  // offset from it
  Event* event_ = nullptr;
  LineNotes* notes_ = nullptr;
  uint64_t next_object_ = 0;
  bool dotted_ = false;  // some name was
  bool object_in_list_ = false;
  bool repeated_ = false;  // a key seems to be given twice
  bool has_action_ = false;
  bool ends_ = false;  // event.type says so
  bool has_pid_ = false;
  bool args_cut_ = false;
  const char* problem_at_ = nullptr;
  std::string problem_;
};

void EventDecoder::Walk::decode(std::span<LineToDecode> lines) {
  while (!lines.empty()) {
    const auto block = lines.first(block_size(lines));
    const char* const begin = block.front().text.data();
    const size_t size = static_cast<size_t>(block.back().text.data() - begin) + block.back().text.size();
    // One line can spoil the index of all; then each is read alone.
    const bool indexed = block.size() > 1 && block_index_.build({begin, size});
    const uint32_t* next = block_index_.places();
    for (LineToDecode& line : block) {
      line.notes = {};
      line.problem.reset();
      if (indexed && read_indexed(begin, next, line)) {
        line.problem = check_header();
      } else {
        read_alone(line);
      }
    }
    lines = lines.subspan(block.size());
  }
}

// How many of the next lines are indexed together; from 1.
size_t EventDecoder::Walk::block_size(std::span<const LineToDecode> lines) {
  const char* const begin = lines.front().text.data();
  size_t size = 1;
  for (const LineToDecode& line : lines.subspan(1)) {
    assert(line.text.data() > begin && "ascending lines of one buffer");
    if (line.text.data() + line.text.size() > begin + kBlockBytes) break;
    ++size;
  }
  return size;
}

// `next` goes along the block, from line to line.
bool EventDecoder::Walk::read_indexed(const char* block, const uint32_t*& next, LineToDecode& line) {
  const auto begin = static_cast<size_t>(line.text.data() - block);
  while (*next < begin) ++next;
  base_ = block;
  next_ = next;
  const bool read = read_line(line.text, line);
  next = next_;
  return read;
}

void EventDecoder::Walk::read_alone(LineToDecode& line) {
  std::string_view text = line.text;
  line.notes = {};
  if (read_alone(text, line)) {
    line.problem = check_header();
    return;
  }
  // Broken, or not UTF-8.
  std::string valid;
  if (replace_invalid_utf8(text, valid) > 0) {
    const size_t size = valid.size();
    valid_ = std::move(valid);
    valid_.resize(size + kPadding);
    text = std::string_view(valid_).substr(0, size);
    line.notes = {};
    line.notes.replaced_bytes = true;
    if (read_alone(text, line)) {
      line.problem = check_header();
      return;
    }
  }
  line.problem = explain(text);
}

bool EventDecoder::Walk::read_alone(std::string_view text, LineToDecode& line) {
  if (!line_index_.build(text)) {
    reset(text, line);
    return false;
  }
  base_ = text.data();
  next_ = line_index_.places();
  return read_line(text, line);
}

LineProblem EventDecoder::Walk::explain(std::string_view line) const {
  LineProblem problem;
  if (auto mistake = find_json_mistake(line, kMaxDepth)) {
    problem.code = std::move(mistake->code);
    problem.offset = mistake->offset;
    problem.message = std::move(mistake->message);
  } else if (problem_at_ != nullptr) {
    problem.code = "D304";
    problem.offset = static_cast<size_t>(problem_at_ - line_.data());
    problem.message = problem_;
  } else {
    problem.code = "D300";
    problem.message = "this line cannot be read as JSON";
  }
  problem.column = column_of(line, problem.offset);
  return problem;
}

void EventDecoder::Walk::reset(std::string_view text, LineToDecode& line) {
  line_ = text;
  line_end_ = text.data() + text.size();
  has_escapes_ = !text.empty() && std::memchr(text.data(), '\\', text.size()) != nullptr;
  event_ = line.event;
  notes_ = &line.notes;
  // Mostly it stays, and many threads count who shares it.
  std::shared_ptr<const CaptureHost> host = std::move(event_->host);
  event_->clear(schema_.size());
  event_->host = std::move(host);
  event_->set_raw(text);
  if (has_found_) found_ = {};
  has_found_ = false;
  keys_.clear();
  unknown_paths_.clear();
  if (++line_number_ == 0) {
    std::fill(seen_.begin(), seen_.end(), 0);
    line_number_ = 1;
  }
  unknown_.clear();
  unknown_bytes_.clear();
  capture_version_ = kCaptureVersion;
  capture_version_at_ = nullptr;
  next_object_ = 0;
  dotted_ = object_in_list_ = repeated_ = has_action_ = ends_ = has_pid_ = args_cut_ = false;
  problem_at_ = nullptr;
}

// From next_ on. First as one whose keys are known, then whatever it is.
bool EventDecoder::Walk::read_line(std::string_view text, LineToDecode& line) {
  const bool may_be_known = unlike_ < kUnlike || unlike_ % kUnlike == 0;
  const uint32_t* const begin = next_;
  const LineNotes notes = line.notes;
  reset(text, line);
  if (may_be_known && read_as_before()) {
    unlike_ = 0;
    finish();
    return true;
  }
  if (may_be_known) {
    next_ = begin;
    line.notes = notes;
    reset(text, line);
  }
  if (!read_in_full(may_be_known)) return false;
  if (may_be_known) shapes_.keep();
  ++unlike_;
  finish();
  return true;
}

// True for a good line with the keys of an earlier one, in its order and its objects: their nodes are known, and that
// none is there twice. False for any other, good or not.
bool EventDecoder::Walk::read_as_before() {
  uint32_t expected = shapes_.root();
  const char* const base = base_;
  const uint32_t* next = next_;
  // Places ascend, so it is enough that each key and each bracket that closes is in this line.
  const auto passes = [&](char c) {
    if (base[*next] != c) return false;
    ++next;
    return true;
  };
  if (expected == LineShapes::kNone || !passes('{')) return false;
  for (uint32_t closed = 0;;) {
    const char* const key_at = base + *next;
    if (key_at >= line_end_ || !passes('"')) return false;
    const uint32_t found = shapes_.find(expected, key_at + 1, closed);
    if (found == LineShapes::kNone || !passes(':')) return false;
    const LineShapes::Step& step = shapes_.step(found);
    expected = step.next;
    closed = 0;
    const bool opens = passes('{');
    if (opens != step.object) return false;
    if (opens) {
      if (base[*next] == '"') continue;
      if (!passes('}')) return false;
      ++closed;
    } else {
      next_ = next;
      if (!(step.named ? read_value_of(step.node, step.depth) : read_unknown(step.searchable, step.depth)))
        return false;
      next = next_;
    }
    const uint32_t open = step.depth + (opens ? 1u : 0u);
    while (closed < open && base + *next < line_end_ && passes('}')) ++closed;
    if (closed == open) {
      next_ = next;
      // In lists are objects of any keys, which only the reading in full watches.
      return base + *next >= line_end_ && !object_in_list_;
    }
    if (!passes(',')) return false;
  }
}

bool EventDecoder::Walk::read_in_full(bool keeps) {
  shapes_.begin();
  if (!keeps) shapes_.pass();
  closed_ = 0;
  if (!take('{') || !read_object({}, 1) || peek() < line_end_) return false;
  if (dotted_ && !repeated_) {
    std::sort(unknown_paths_.begin(), unknown_paths_.end());
    repeated_ = std::adjacent_find(unknown_paths_.begin(), unknown_paths_.end()) != unknown_paths_.end();
  }
  // Equal hashes may be a coincidence; the checker compares the names.
  return !repeated_ || !find_json_mistake(line_, kMaxDepth);
}

// What stands behind the bracket that opened it.
bool EventDecoder::Walk::read_object(const Place& place, size_t depth) {
  if (depth > kMaxDepth) return false;
  const uint64_t object_id = next_object_++;
  const char* const first = peek();
  if (first >= line_end_ || *first != '}') {
    do {
      if (!read_member(place, object_id, depth)) return false;
    } while (take(','));
  }
  ++closed_;
  return take('}');
}

bool EventDecoder::Walk::read_member(const Place& parent, uint64_t object_id, size_t depth) {
  const char* const key_at = peek();
  if (!take('"')) return false;
  const char* key_end = peek();
  if (!take(':')) return false;
  // Between the key's closing quote and the colon stand only blanks.
  do {
    --key_end;
  } while (*key_end != '"');

  Place place;
  if (!read_key({key_at + 1, static_cast<size_t>(key_end - key_at - 1)}, parent, place)) return false;
  note_key(place, object_id);
  const char* const value_at = peek();
  const bool opens = take('{');
  const bool named = place.node != NameTree::kUnknown &&
                     (names_.node(place.node).has_field() || names_.node(place.node).role != Role::kNone);
  shapes_.add({key_at + 1, static_cast<size_t>(key_end - key_at - 1)}, {.node = place.node,
                                                                        .closed = std::exchange(closed_, 0),
                                                                        .depth = static_cast<uint8_t>(depth),
                                                                        .object = opens,
                                                                        .named = named,
                                                                        .searchable = place.searchable});
  if (opens) {
    if (place.node != NameTree::kUnknown && names_.node(place.node).table) {
      return wrong(place.node, value_at, "an object");
    }
    return read_object(place, depth + 1);
  }
  return named ? read_value_of(place.node, depth) : read_unknown(place.searchable, depth);
}

// A name of the schema stands for its whole path. Of others the hash is all that is known; where names may be
// dotted, the same path can be in two objects.
void EventDecoder::Walk::note_key(const Place& place, uint64_t object_id) {
  if (place.node != NameTree::kUnknown) {
    if (seen_[place.node] == line_number_) repeated_ = true;
    seen_[place.node] = line_number_;
    return;
  }
  if (keys_[place.hash + object_id * 0x9E3779B97F4A7C15u]++ != 0) repeated_ = true;
  unknown_paths_.push_back(place.hash);
}

// A key without dots and escapes, which nearly all are, is one step down.
bool EventDecoder::Walk::read_key(std::string_view key, const Place& parent, Place& place) {
  const NamePart part = hash_padded_part(parent.hash, key);
  if (!part.simple) return read_dotted_key(key, parent, place);
  place.hash = part.hash;
  place.node = names_.child(parent.node, part, key);
  place.searchable =
      parent.searchable && (place.node == NameTree::kUnknown || names_.node(place.node).searchable);
  return true;
}

bool EventDecoder::Walk::read_dotted_key(std::string_view key, const Place& parent, Place& place) {
  shapes_.pass();
  std::string name;
  bool replaced = false;
  if (unescape_json(key, name, replaced) != std::string_view::npos) return false;
  if (replaced) notes_->replaced_bytes = true;
  place = parent;
  std::string_view left = name;
  while (true) {
    const size_t dot = left.find('.');
    descend(place, left.substr(0, dot));
    if (dot == std::string_view::npos) return true;
    dotted_ = true;
    if (place.node != NameTree::kUnknown && names_.node(place.node).table) {
      return wrong(place.node, key.data(), "an object");
    }
    left.remove_prefix(dot + 1);
  }
}

void EventDecoder::Walk::descend(Place& place, std::string_view part) {
  const NamePart hashed = hash_part(place.hash, part);
  place.hash = hashed.hash;
  place.node = names_.child(place.node, hashed, part);
  if (place.node != NameTree::kUnknown && !names_.node(place.node).searchable) place.searchable = false;
}

bool EventDecoder::Walk::read_unknown(bool searchable, size_t depth) {
  if (take('{')) {
    // Only objects in lists come here: what they hold has no name.
    shapes_.pass();
    object_in_list_ = true;
    return read_object({NameTree::kUnknown, next_object_ << 32, searchable}, depth + 1);
  }
  if (take('[')) {
    if (depth + 1 > kMaxDepth) return false;
    if (take(']')) return true;
    do {
      if (!read_unknown(searchable, depth + 1)) return false;
    } while (take(','));
    return take(']');
  }
  CapturedValue scalar;
  if (!read_scalar(scalar)) return false;
  if (searchable && scalar.type == Type::kText && schema_.wants_all_text()) keep_unknown_text(scalar);
  return true;
}

bool EventDecoder::Walk::read_value_of(uint32_t node_index, size_t depth) {
  const NameNode& node = names_.node(node_index);
  const char* const at = peek();
  CapturedValue scalar;
  if (at < line_end_ && *at == '"') {
    if (const Event::InRaw text = take_plain_text(); text.type == Type::kText) {
      if (!node.demanding && !node.alias) {
        if (node.wanted && !event_->set(node.field(), text)) notes_->values_dropped = true;
        return true;
      }
      scalar.type = Type::kText;
      scalar.text = line_.substr(text.offset, text.size);
    }
  } else if (take_short_integer(scalar)) {
    if (scalar.number <= node.most && !node.alias) {
      if (node.wanted && !event_->set(node.field(), in_raw(scalar))) notes_->values_dropped = true;
      return true;
    }
  } else if (take('[')) {
    return depth + 1 <= kMaxDepth && read_elements(node_index, depth + 1);
  }
  if (scalar.type == Type::kNull && !read_scalar(scalar)) return false;
  if (node.demanding && !accept(node_index, scalar, at)) return false;
  keep_alias_text(node, scalar);
  if (!node.wanted || (node.alias && event_->carries(node.field()))) return true;
  if (!store(node.field(), scalar)) notes_->values_dropped = true;
  return true;
}

bool EventDecoder::Walk::read_elements(uint32_t node_index, size_t depth) {
  const NameNode& node = names_.node(node_index);
  bool keep = node.wanted && !(node.alias && event_->carries(node.field()));
  if (keep && !event_->begin_list(node.field())) {
    notes_->values_dropped = true;
    keep = false;
  }
  if (take(']')) return true;
  size_t count = 0;
  do {
    const char* const at = peek();
    if (at < line_end_ && (*at == '{' || *at == '[')) {
      if (node.table) return wrong(node_index, at, *at == '{' ? "an object" : "a list");
      if (!read_unknown(node.searchable, depth)) return false;
      continue;
    }
    CapturedValue scalar;
    if (!read_scalar(scalar) || (node.demanding && !accept(node_index, scalar, at))) return false;
    keep_alias_text(node, scalar);
    if (++count > kMaxListElements) {
      notes_->values_dropped = true;
      if (node.has_field() && node.field() == process_field(Leaf::kArgs)) args_cut_ = true;
      keep = false;
    }
    if (keep && !store_element(node.field(), scalar)) {
      notes_->values_dropped = true;
      keep = false;
    }
  } while (take(','));
  return take(']');
}

// Of a text without escapes, as most are, nothing needs to be worked out. Of any other: kAbsent, and nothing is taken.
Event::InRaw EventDecoder::Walk::take_plain_text() {
  const char* const begin = peek() + 1;
  const char* end = std::min(base_ + next_[1], line_end_) - 1;
  while (*end == ' ' || *end == '\t' || *end == '\r' || *end == '\n') --end;
  Event::InRaw text;
  text.type = Type::kAbsent;
  if (end < begin || *end != '"') return text;
  text.size = static_cast<uint32_t>(end - begin);
  if (has_escapes_ && text.size > 0 && std::memchr(begin, '\\', text.size) != nullptr) return text;
  ++next_;
  text.type = Type::kText;
  text.offset = static_cast<uint32_t>(begin - line_.data());
  return text;
}

// Digits that always fit, as nearly all numbers are. Of anything else nothing is taken.
bool EventDecoder::Walk::take_short_integer(CapturedValue& scalar) {
  constexpr ptrdiff_t kDigits = 18;
  const char* const begin = peek();
  if (begin >= line_end_) return false;
  // Up to the next place stand the value and blanks.
  const char* const end = std::min(base_ + next_[1], line_end_);
  const char* at = begin;
  uint64_t number = 0;
  for (; at < end && *at >= '0' && *at <= '9'; ++at) number = number * 10 + static_cast<uint64_t>(*at - '0');
  if (at == begin || at - begin > kDigits || (*begin == '0' && at - begin > 1)) return false;
  scalar.text = {begin, static_cast<size_t>(at - begin)};
  while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n')) ++at;
  if (at != end) return false;
  ++next_;
  scalar.type = Type::kInteger;
  scalar.number = static_cast<int64_t>(number);
  return true;
}

bool EventDecoder::Walk::read_scalar(CapturedValue& scalar) {
  const char* const at = peek();
  if (at >= line_end_) return false;
  ++next_;
  // Up to the next place stand the value and blanks.
  const char* const end = std::min(peek(), line_end_);
  bool replaced = false;
  if (!scan_value({at, static_cast<size_t>(end - at)}, unescaped_, replaced, scalar)) return false;
  if (replaced) notes_->replaced_bytes = true;
  return true;
}

// Reads numbers given as text, demands what the table says, and takes what concerns the event itself.
bool EventDecoder::Walk::accept(uint32_t node_index, CapturedValue& scalar, const char* at) {
  const NameNode& node = names_.node(node_index);
  if (scalar.type == Type::kText && node.has_field()) read_as(node.type, scalar);
  if (node.role == Role::kCapture || node.role == Role::kHeaderPart) {
    read_as(FieldType::kInteger, scalar);
    if (scalar.type != Type::kInteger) {
      return wrong(node_index, at, shown(scalar));
    }
    if (node.role == Role::kCapture) capture_version_at_ = at;
  }
  if (node.check > ValueCheck::kText && !passes(node.check, scalar))
    return wrong(node_index, at, shown(scalar));
  if (node.role != Role::kNone && scalar.type != Type::kNull) apply_role(node, scalar);
  return true;
}

void EventDecoder::Walk::apply_role(const NameNode& node, const CapturedValue& scalar) {
  has_found_ = has_found_ || node.role >= Role::kCapture;
  switch (node.role) {
    case Role::kNone: break;
    case Role::kTimestamp:
      if (event_->has_time) break;  // of a list, the first
      event_->time_ns = *scalar.time_ns;
      event_->has_time = true;
      break;
    case Role::kAction:
      if (has_action_) break;
      has_action_ = true;
      if (const auto kind = find_event_kind(scalar.text)) {
        event_->kind = *kind;
      } else {
        event_->kind = EventKind::kOther;
        notes_->unknown_action = true;
      }
      break;
    case Role::kEventType: ends_ = ends_ || scalar.text == "end"; break;
    case Role::kSequence: event_->sequence = static_cast<uint64_t>(scalar.number); break;
    case Role::kProcessPid: has_pid_ = true; break;
    case Role::kCapture:
      notes_->header = true;
      capture_version_ = scalar.number;
      break;
    case Role::kHeaderVersion: found_.version = scalar.text; break;
    case Role::kHeaderHost: found_.host.name = scalar.text; break;
    case Role::kHeaderHostId: found_.host.id = scalar.text; break;
    case Role::kHeaderBootId: found_.host.boot_id = scalar.text; break;
    case Role::kHeaderPart: found_.part = scalar.number; break;
    case Role::kHeaderStarted: found_.started = scalar.text; break;
    case Role::kHeaderBooted: found_.host.booted_ns = parse_rfc3339(scalar.text); break;
  }
}

void EventDecoder::Walk::keep_unknown_text(const CapturedValue& scalar) {
  const size_t offset =
      scalar.unescaped ? unknown_bytes_.size() : static_cast<size_t>(scalar.text.data() - line_.data());
  unknown_.push_back({!scalar.unescaped, offset, scalar.text.size()});
  if (scalar.unescaped) unknown_bytes_.append(scalar.text);
}

// The alias may stand beside the field that it means, and before it or behind it; keywords look at both.
void EventDecoder::Walk::keep_alias_text(const NameNode& node, const CapturedValue& scalar) {
  if (!node.alias || !node.searchable || scalar.type != Type::kText || !schema_.wants_all_text()) return;
  keep_unknown_text(scalar);
}

bool EventDecoder::Walk::wrong(uint32_t node_index, const char* at, std::string_view found) {
  const NameNode& node = names_.node(node_index);
  const ValueCheck check = node.table ? node.check : ValueCheck::kInteger;
  problem_at_ = at;
  problem_ = "$." + names_.name(node_index) + ": expected " + std::string(expectation(check)) + ", found " +
             std::string(found);
  return false;
}

// Where the text of a value that needed no unescaping stands in the line.
Event::InRaw EventDecoder::Walk::in_raw(const CapturedValue& scalar) const {
  Event::InRaw value;
  value.type = scalar.type;
  value.offset = static_cast<uint32_t>(scalar.text.data() - line_.data());
  value.size = static_cast<uint32_t>(scalar.text.size());
  value.number = scalar.type == Type::kReal ? std::bit_cast<int64_t>(scalar.real) : scalar.number;
  return value;
}

bool EventDecoder::Walk::store(FieldId id, const CapturedValue& scalar) {
  return scalar.unescaped ? event_->set_text(id, scalar.text) : event_->set(id, in_raw(scalar));
}

bool EventDecoder::Walk::store_element(FieldId id, const CapturedValue& scalar) {
  return scalar.unescaped ? event_->append_text(id, scalar.text) : event_->append(id, in_raw(scalar));
}

void EventDecoder::Walk::finish() {
  if (notes_->header) {
    header_ = found_;
    return;
  }
  finish_kind();
  notes_->no_time = !event_->has_time;
  notes_->no_pid = !has_pid_ && event_->kind != EventKind::kLost && event_->kind != EventKind::kHealth;
  if (args_cut_ && schema_.wanted(field::kArgvTruncated)) event_->set_boolean(field::kArgvTruncated, true);
  if (!unknown_.empty() && event_->begin_list(schema_.other_text())) {
    for (const UnknownText& text : unknown_) {
      const std::string_view bytes = text.in_line ? event_->raw() : std::string_view(unknown_bytes_);
      if (event_->append_text(schema_.other_text(), bytes.substr(text.offset, text.size))) continue;
      notes_->values_dropped = true;
      break;
    }
  }
  withhold_missing();
}

void EventDecoder::Walk::finish_kind() {
  if (has_action_) return;
  notes_->no_action = true;
  event_->kind = ends_ ? EventKind::kEnd : EventKind::kExec;
  if (schema_.wanted(field::kAction)) event_->set_text(field::kAction, to_string(event_->kind));
}

void EventDecoder::Walk::withhold_missing() {
  if (!event_->carries(field::kMissing)) return;
  const size_t count = event_->count(field::kMissing);
  for (size_t i = 0; i < count; ++i) {
    const uint32_t node_index = names_.find(event_->find_carried(field::kMissing, i).text);
    if (node_index == NameTree::kUnknown || !names_.node(node_index).has_field()) continue;
    const FieldId id = names_.node(node_index).field();
    if (!event_->carries(id)) event_->withhold(id);
  }
}

std::optional<LineProblem> EventDecoder::Walk::check_header() const {
  if (!notes_->header || capture_version_ == kCaptureVersion) return std::nullopt;
  LineProblem problem;
  problem.code = "D306";
  problem.offset = static_cast<size_t>(capture_version_at_ - line_.data());
  problem.column = column_of(line_, problem.offset);
  problem.message = "this capture has version " + std::to_string(capture_version_) + "; this detectd reads " +
                    std::to_string(kCaptureVersion);
  if (!header_.version.empty()) problem.message += "; captured by detectd " + header_.version;
  return problem;
}

EventDecoder::EventDecoder(const Schema& schema) : walk_(std::make_unique<Walk>(schema)) {}
EventDecoder::~EventDecoder() = default;
EventDecoder::EventDecoder(EventDecoder&&) noexcept = default;
EventDecoder& EventDecoder::operator=(EventDecoder&&) noexcept = default;

void EventDecoder::decode(std::span<LineToDecode> lines) { walk_->decode(lines); }

std::optional<LineProblem> EventDecoder::decode(std::string_view line, Event& event, LineNotes& notes) {
  LineToDecode only{.text = line, .event = &event, .notes = {}, .problem = std::nullopt};
  walk_->decode({&only, 1});
  notes = only.notes;
  return std::move(only.problem);
}

const CaptureHeader& EventDecoder::header() const { return walk_->header(); }

}  // namespace detectd
