#include "engine/event_codec.h"

#include <simdjson.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <new>
#include <vector>

#include "engine/captured_value.h"
#include "engine/escape.h"
#include "engine/json_place.h"
#include "engine/json_text.h"
#include "engine/key_set.h"
#include "engine/name_tree.h"

namespace detectd {
namespace {

namespace ondemand = simdjson::ondemand;
using Role = NameNode::Role;

static_assert(EventDecoder::kPadding >= simdjson::SIMDJSON_PADDING);

}  // namespace

// One line after the other. The functions that read return false when the line cannot be used; then
// `problem_` says why, or the line is no JSON and the strict checker finds the place.
class EventDecoder::Walk {
 public:
  explicit Walk(const Schema& schema) : schema_(schema), names_(schema) {}

  std::optional<LineProblem> decode(std::string_view line, Event& event, LineNotes& notes);
  const CaptureHeader& header() const { return header_; }

 private:
  // Where a value stands: its node (kUnknown if no name of the schema), and whether unknown text there is
  // for keyword searches.
  struct Place {
    uint32_t node = NameTree::kRoot;
    uint64_t hash = 0;
    bool searchable = true;
  };

  std::optional<LineProblem> explain(std::string_view line) const;
  void reset(std::string_view line, Event& event, LineNotes& notes);
  bool read_line();
  bool read_object(ondemand::object& object, const Place& place, size_t depth);
  bool read_member(ondemand::field& field, const Place& parent, uint64_t object_id, size_t depth);
  bool read_key(std::string_view key, const Place& parent, Place& place);
  bool read_dotted_key(std::string_view key, const Place& parent, Place& place);
  void descend(Place& place, std::string_view part);
  bool read_list(ondemand::array array, const Place& place, size_t depth);
  bool read_unknown(ondemand::value& value, bool searchable, size_t depth);
  bool read_value_of(uint32_t node_index, ondemand::value& value, size_t depth);
  bool read_elements(uint32_t node_index, ondemand::array& array, size_t depth);
  bool read_scalar(ondemand::value& value, CapturedValue& scalar);
  bool accept(uint32_t node_index, CapturedValue& scalar, const char* at);
  void apply_role(const NameNode& node, const CapturedValue& scalar);
  void keep_unknown_text(std::string_view text);
  bool wrong(uint32_t node_index, const char* at, std::string_view found);
  bool store(FieldId id, const CapturedValue& scalar);
  bool store_element(FieldId id, const CapturedValue& scalar);
  void finish();
  void finish_kind();
  void withhold_missing();
  std::optional<LineProblem> check_header() const;

  std::string_view in_event(std::string_view text) const {
    const size_t offset = static_cast<size_t>(text.data() - line_.data());
    // Unsigned: text elsewhere gives an offset that is too large.
    return offset + text.size() <= line_.size() && text.data() >= line_.data()
               ? event_->raw().substr(offset, text.size())
               : text;
  }

  const Schema& schema_;
  NameTree names_;
  ondemand::parser parser_;
  KeySet keys_;
  std::vector<uint64_t> value_paths_;  // of all values that are no objects
  std::string copy_;                   // of a line that cannot be read where it is
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
  Event* event_ = nullptr;
  LineNotes* notes_ = nullptr;
  uint64_t next_object_ = 0;
  bool dotted_ = false;    // some name was
  bool repeated_ = false;  // a key seems to be given twice
  bool has_action_ = false;
  bool ends_ = false;  // event.type says so
  bool has_pid_ = false;
  bool args_cut_ = false;
  const char* problem_at_ = nullptr;
  std::string problem_;
};

std::optional<LineProblem> EventDecoder::Walk::decode(std::string_view line, Event& event, LineNotes& notes) {
  notes = {};
  const char next = line.empty() ? 'x' : line.data()[line.size()];
  if (next != '\n' && next != '\r' && next != '\0') {
    copy_.assign(line);
    copy_.resize(line.size() + kPadding);
    line = std::string_view(copy_).substr(0, line.size());
  }
  reset(line, event, notes);
  if (read_line()) return check_header();
  // Broken, or not UTF-8.
  std::string valid;
  if (replace_invalid_utf8(line, valid) > 0) {
    const size_t size = valid.size();
    copy_ = std::move(valid);
    copy_.resize(size + kPadding);
    line = std::string_view(copy_).substr(0, size);
    notes = {};
    notes.replaced_bytes = true;
    reset(line, event, notes);
    if (read_line()) return check_header();
  }
  return explain(line);
}

std::optional<LineProblem> EventDecoder::Walk::explain(std::string_view line) const {
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

void EventDecoder::Walk::reset(std::string_view line, Event& event, LineNotes& notes) {
  line_ = line;
  event_ = &event;
  notes_ = &notes;
  event.clear(schema_.size());
  event.set_raw(line);
  if (has_found_) found_ = {};
  has_found_ = false;
  keys_.clear();
  value_paths_.clear();
  unknown_.clear();
  unknown_bytes_.clear();
  capture_version_ = kCaptureVersion;
  capture_version_at_ = nullptr;
  next_object_ = 0;
  dotted_ = repeated_ = has_action_ = ends_ = has_pid_ = args_cut_ = false;
  problem_at_ = nullptr;
}

bool EventDecoder::Walk::read_line() {
  ondemand::document document;
  const auto error = parser_.iterate(line_, line_.size() + kPadding).get(document);
  if (error == simdjson::MEMALLOC) throw std::bad_alloc();
  if (error) return false;
  ondemand::object object;
  if (document.get_object().get(object)) return false;
  if (!read_object(object, {}, 1)) return false;
  const char* behind = nullptr;
  if (document.current_location().get(behind) != simdjson::OUT_OF_BOUNDS) return false;
  if (dotted_ && !repeated_) {
    std::sort(value_paths_.begin(), value_paths_.end());
    repeated_ = std::adjacent_find(value_paths_.begin(), value_paths_.end()) != value_paths_.end();
  }
  // Equal hashes may be a coincidence; the checker compares the names.
  if (repeated_ && find_json_mistake(line_, kMaxDepth)) return false;
  finish();
  return true;
}

bool EventDecoder::Walk::read_object(ondemand::object& object, const Place& place, size_t depth) {
  if (depth > kMaxDepth) return false;
  const uint64_t object_id = next_object_++;
  for (auto member : object) {
    if (member.error()) return false;
    // By reference: copies of simdjson's values cost more than reading them.
    auto&& field = std::move(member).value_unsafe();
    if (!read_member(field, place, object_id, depth)) return false;
  }
  return true;
}

bool EventDecoder::Walk::read_member(ondemand::field& field, const Place& parent, uint64_t object_id,
                                     size_t depth) {
  const char* const key_at = field.key().raw();
  ondemand::value& value = field.value();
  const char* const value_at = value.raw_json_token().data();
  // Between the key's closing quote and the value stand a colon and blanks.
  const char* key_end = value_at - 1;
  while (*key_end != ':') --key_end;
  do {
    --key_end;
  } while (*key_end != '"');

  Place place;
  if (!read_key({key_at, static_cast<size_t>(key_end - key_at)}, parent, place)) return false;
  if (!keys_.insert(place.hash + object_id * 0x9E3779B97F4A7C15u)) repeated_ = true;
  if (*value_at == '{') {
    if (place.node != NameTree::kUnknown && names_.node(place.node).table) {
      return wrong(place.node, value_at, "an object");
    }
    ondemand::object object;
    if (value.get_object().get(object)) return false;
    return read_object(object, place, depth + 1);
  }
  value_paths_.push_back(place.hash);
  if (place.node != NameTree::kUnknown) {
    const NameNode& node = names_.node(place.node);
    if (node.has_field() || node.role != Role::kNone) return read_value_of(place.node, value, depth);
  }
  return read_unknown(value, place.searchable, depth);
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

bool EventDecoder::Walk::read_unknown(ondemand::value& value, bool searchable, size_t depth) {
  const char first = *value.raw_json_token().data();
  if (first == '{') {
    ondemand::object object;
    if (value.get_object().get(object)) return false;
    // Only objects in lists come here: what they hold has no name.
    return read_object(object, {NameTree::kUnknown, next_object_ << 32, searchable}, depth + 1);
  }
  if (first == '[') {
    if (depth + 1 > kMaxDepth) return false;
    ondemand::array array;
    if (value.get_array().get(array)) return false;
    for (auto element : array) {
      if (element.error()) return false;
      auto&& inner = std::move(element).value_unsafe();
      if (!read_unknown(inner, searchable, depth + 1)) return false;
    }
    return true;
  }
  CapturedValue scalar;
  if (!read_scalar(value, scalar)) return false;
  if (searchable && scalar.type == Type::kText && schema_.wants_all_text()) keep_unknown_text(scalar.text);
  return true;
}

bool EventDecoder::Walk::read_value_of(uint32_t node_index, ondemand::value& value, size_t depth) {
  const NameNode& node = names_.node(node_index);
  const char* const at = value.raw_json_token().data();
  if (*at == '[') {
    if (depth + 1 > kMaxDepth) return false;
    ondemand::array array;
    if (value.get_array().get(array)) return false;
    return read_elements(node_index, array, depth + 1);
  }
  CapturedValue scalar;
  if (!read_scalar(value, scalar) || !accept(node_index, scalar, at)) return false;
  if (!node.wanted || (node.alias && event_->carries(node.field()))) return true;
  if (!store(node.field(), scalar)) notes_->values_dropped = true;
  return true;
}

bool EventDecoder::Walk::read_elements(uint32_t node_index, ondemand::array& array, size_t depth) {
  const NameNode& node = names_.node(node_index);
  bool keep = node.wanted && !(node.alias && event_->carries(node.field()));
  if (keep && !event_->begin_list(node.field())) {
    notes_->values_dropped = true;
    keep = false;
  }
  size_t count = 0;
  for (auto element : array) {
    if (element.error()) return false;
    auto&& value = std::move(element).value_unsafe();
    const char* const at = value.raw_json_token().data();
    if (*at == '{' || *at == '[') {
      if (node.table) return wrong(node_index, at, *at == '{' ? "an object" : "a list");
      if (!read_unknown(value, node.searchable, depth)) return false;
      continue;
    }
    CapturedValue scalar;
    if (!read_scalar(value, scalar) || !accept(node_index, scalar, at)) return false;
    if (++count > kMaxListElements) {
      notes_->values_dropped = true;
      if (node.has_field() && node.field() == process_field(Leaf::kArgs)) args_cut_ = true;
      keep = false;
    }
    if (keep && !store_element(node.field(), scalar)) {
      notes_->values_dropped = true;
      keep = false;
    }
  }
  return true;
}

bool EventDecoder::Walk::read_scalar(ondemand::value& value, CapturedValue& scalar) {
  const std::string_view token = value.raw_json_token();
  // Strings are consumed, for simdjson would skip one before a colon as if it were a key. Other
  // values are left to be skipped.
  ondemand::raw_json_string consumed;
  if (*token.data() == '"' && value.get_raw_json_string().get(consumed)) return false;
  bool replaced = false;
  if (!scan_value(token, unescaped_, replaced, scalar)) return false;
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
  }
}

void EventDecoder::Walk::keep_unknown_text(std::string_view text) {
  const std::string_view in_event = this->in_event(text);
  if (in_event.data() != text.data()) {
    unknown_.push_back({true, static_cast<size_t>(in_event.data() - event_->raw().data()), text.size()});
    return;
  }
  unknown_.push_back({false, unknown_bytes_.size(), text.size()});
  unknown_bytes_.append(text);
}

bool EventDecoder::Walk::wrong(uint32_t node_index, const char* at, std::string_view found) {
  const NameNode& node = names_.node(node_index);
  const ValueCheck check = node.table ? node.check : ValueCheck::kInteger;
  problem_at_ = at;
  problem_ = "$." + names_.name(node_index) + ": expected " + std::string(expectation(check)) + ", found " +
             std::string(found);
  return false;
}

bool EventDecoder::Walk::store(FieldId id, const CapturedValue& scalar) {
  const std::string_view text = in_event(scalar.text);
  switch (scalar.type) {
    case Type::kText: return event_->set_text(id, text);
    case Type::kInteger: return event_->set_integer(id, scalar.number, text);
    case Type::kReal: return event_->set_real(id, scalar.real, text);
    case Type::kBoolean: return event_->set_boolean(id, scalar.number != 0);
    default: return event_->set_null(id);
  }
}

bool EventDecoder::Walk::store_element(FieldId id, const CapturedValue& scalar) {
  const std::string_view text = in_event(scalar.text);
  switch (scalar.type) {
    case Type::kText: return event_->append_text(id, text);
    case Type::kInteger: return event_->append_integer(id, scalar.number, text);
    case Type::kReal: return event_->append_real(id, scalar.real, text);
    case Type::kBoolean: return event_->append_boolean(id, scalar.number != 0);
    default: return event_->append_null(id);
  }
}

void EventDecoder::Walk::finish() {
  if (notes_->header) {
    header_ = found_;
    return;
  }
  finish_kind();
  notes_->no_time = !event_->has_time;
  notes_->no_pid = !has_pid_ && event_->kind != EventKind::kLost;
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

std::optional<LineProblem> EventDecoder::decode(std::string_view line, Event& event, LineNotes& notes) {
  return walk_->decode(line, event, notes);
}

const CaptureHeader& EventDecoder::header() const { return walk_->header(); }

}  // namespace detectd
