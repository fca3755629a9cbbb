#include <algorithm>
#include <cassert>
#include <vector>

#include "engine/escape.h"
#include "engine/event_codec.h"
#include "engine/json_text.h"
#include "engine/timestamp.h"

namespace detectd {
namespace {

void append_quoted(std::string_view text, std::string& out) {
  out += '"';
  append_json_escaped(text, out);
  out += '"';
}

void append_value(const FieldView& value, std::string& out) {
  switch (value.type) {
    case Type::kAbsent:
    case Type::kNull: out += "null"; return;
    case Type::kText: append_quoted(value.text, out); return;
    case Type::kBoolean: out += value.number != 0 ? "true" : "false"; return;
    case Type::kInteger:
    case Type::kReal:
      // `0042` was text in the line it was read from.
      if (parse_json_number(value.text).kind == JsonNumber::Kind::kInvalid) {
        append_quoted(value.text, out);
      } else {
        out += value.text;
      }
      return;
  }
}

// Where a field stands in a line: inside objects, and its key there.
struct Spot {
  std::string_view path;  // "process.parent", empty at the top
  std::string_view key;
  FieldId id{};
};

Spot spot_of(FieldId id, std::string_view name) {
  // Labels are flat, as ECS has them. Other names beyond the table stay dotted: they may be parts of
  // each other.
  constexpr std::string_view kLabels = "labels.";
  if (index_of(id) >= kFieldCount) {
    if (!name.starts_with(kLabels)) return {{}, name, id};
    return {"labels", name.substr(kLabels.size()), id};
  }
  const size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return {{}, name, id};
  return {name.substr(0, dot), name.substr(dot + 1), id};
}

// Writes members in an order in which all of one object stand together, opening and closing the objects.
class LineWriter {
 public:
  explicit LineWriter(std::string& out) : out_(out) { out_ += '{'; }

  void member(std::string_view path, std::string_view key) {
    const size_t common = common_path(path);
    close_to(common);
    while (path_.size() < path.size()) {
      const size_t begin = path_.empty() ? 0 : path_.size() + 1;
      const size_t end = std::min(path.find('.', begin), path.size());
      write_key(path.substr(begin, end - begin));
      out_ += '{';
      first_ = true;
      path_ = path.substr(0, end);
    }
    write_key(key);
  }

  void finish() {
    close_to(0);
    out_ += '}';
  }

 private:
  // Bytes of the open path that `path` shares, in whole parts.
  size_t common_path(std::string_view path) const {
    size_t common = path_.size();
    while (common > 0) {
      if (path.starts_with(path_.substr(0, common)) && (path.size() == common || path[common] == '.')) break;
      const size_t dot = path_.substr(0, common).rfind('.');
      common = dot == std::string_view::npos ? 0 : dot;
    }
    return common;
  }

  void close_to(size_t size) {
    while (path_.size() > size) {
      out_ += '}';
      first_ = false;
      const size_t dot = path_.rfind('.');
      path_ = dot == std::string_view::npos ? std::string_view() : path_.substr(0, dot);
    }
  }

  void write_key(std::string_view key) {
    if (!first_) out_ += ',';
    first_ = false;
    append_quoted(key, out_);
    out_ += ':';
  }

  std::string& out_;
  std::string_view path_;  // of the innermost open object
  bool first_ = true;
};

void append_field(const Event& event, FieldId id, std::string& out) {
  if (!event.carries_list(id)) return append_value(event.find_carried(id), out);
  out += '[';
  const size_t count = event.count(id);
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) out += ',';
    append_value(event.find_carried(id, i), out);
  }
  out += ']';
}

// The table's fields in the order in which they are written.
const std::vector<Spot>& table_spots() {
  static const auto* const spots = [] {
    auto* const sorted = new std::vector<Spot>;
    for (size_t i = 0; i < kFieldCount; ++i) {
      const FieldId id{static_cast<uint16_t>(i)};
      sorted->push_back(spot_of(id, table_info(id).name));
    }
    std::stable_sort(sorted->begin(), sorted->end(),
                     [](const Spot& a, const Spot& b) { return a.path < b.path; });
    return sorted;
  }();
  return *spots;
}

// What an event has without carrying the field.
void append_own(const Event& event, const Spot& spot, LineWriter& writer, std::string& out) {
  if (spot.id == field::kTimestamp && (event.has_time || event.time_ns != 0)) {
    writer.member(spot.path, spot.key);
    append_quoted(format_rfc3339(event.time_ns), out);
  } else if (spot.id == field::kAction) {
    writer.member(spot.path, spot.key);
    append_quoted(to_string(event.kind), out);
  } else if (spot.id == field::kSequence && event.sequence != 0) {
    writer.member(spot.path, spot.key);
    out += std::to_string(event.sequence);
  }
}

}  // namespace

void encode(const Event& event, const Schema& schema, std::string& out) {
  LineWriter writer(out);
  for (const Spot& spot : table_spots()) {
    if (event.carries(spot.id)) {
      writer.member(spot.path, spot.key);
      append_field(event, spot.id, out);
    } else {
      append_own(event, spot, writer, out);
    }
  }
  for (const bool labels : {true, false}) {
    for (size_t i = index_of(schema.other_text()) + 1; i < schema.size(); ++i) {
      const FieldId id{static_cast<uint16_t>(i)};
      if (!event.carries(id)) continue;
      const Spot spot = spot_of(id, schema.info(id).name);
      if (spot.path.empty() == labels) continue;
      writer.member(spot.path, spot.key);
      append_field(event, id, out);
    }
  }
  writer.finish();
}

void encode_header(const CaptureHeader& header, std::string& out) {
  LineWriter writer(out);
  const auto text = [&](std::string_view path, std::string_view key, std::string_view value) {
    if (value.empty()) return;
    writer.member(path, key);
    append_quoted(value, out);
  };
  writer.member("detectd", "capture");
  out += std::to_string(EventDecoder::kCaptureVersion);
  text("detectd", "version", header.version);
  text("detectd", "started", header.started);
  text("detectd", "boot_id", header.host.boot_id);
  if (header.host.booted_ns) text("detectd", "booted", format_rfc3339(*header.host.booted_ns));
  if (header.part != 1) {
    writer.member("detectd", "part");
    out += std::to_string(header.part);
  }
  text("detectd.host", "name", header.host.name);
  text("detectd.host", "id", header.host.id);
  writer.finish();
}

}  // namespace detectd
