#include "src/detectctl/stored_event.h"

#include <optional>
#include <string_view>
#include <utility>

#include "engine/event_codec.h"
#include "engine/json_writer.h"
#include "src/text.h"

namespace detectd {
namespace {

// Adds members to a line for fields that it lacks.
class LineWriter {
 public:
  LineWriter(std::string line, const Event& event) : line_(std::move(line)), event_(event) {
    line_.erase(line_.find_last_of('}'));
    is_empty_ = line_.find('"') == std::string::npos;
  }

  void add(std::string_view name, std::string_view json) {
    const auto field = find_table_field(name);
    if (!field || event_.carries(*field) || event_.withheld(*field)) return;
    line_ += is_empty_ ? "\"" : ",\"";
    line_.append(name).append("\":").append(json);
    is_empty_ = false;
  }
  void add_text(std::string_view name, const std::string& text) {
    if (text.empty()) return;
    JsonWriter json;
    json.string(text);
    add(name, json.text());
  }
  void add_number(std::string_view name, const std::optional<int64_t>& number) {
    if (number) add(name, std::to_string(*number));
  }

  std::string line() && { return std::move(line_) + "}"; }

 private:
  std::string line_;
  const Event& event_;
  bool is_empty_ = false;
};

// The text of a column that holds a number; others are left out.
void add_digits(std::string_view name, const std::string& digits, LineWriter& line) {
  if (!digits.empty() && digits.find_first_not_of("0123456789") == std::string::npos) line.add(name, digits);
}

}  // namespace

Result<std::string> stored_event_line(const HitReader& reader, const StoredHit& hit) {
  const HitRecord& record = hit.record;
  Schema schema;
  for (size_t i = 0; i < kFieldCount; ++i) schema.want(FieldId(static_cast<uint16_t>(i)));
  EventDecoder decoder(schema);
  std::string padded = record.event;
  padded.resize(padded.size() + EventDecoder::kPadding);
  Event event;
  LineNotes notes;
  const auto problem = decoder.decode(std::string_view(padded).substr(0, record.event.size()), event, notes);
  if (problem || notes.header) {
    return Error{Errc::kInput, "the stored event of hit " + std::to_string(hit.n) +
                                   " can not be read: " + (problem ? problem->message : "it is none")};
  }
  const auto lineage = reader.lineage_fields(hit);
  if (!lineage) return lineage.error();
  LineWriter line(record.event, event);
  for (const HitReader::StoredField& field : *lineage) line.add(field.name, field.json);
  line.add_text("event.action", record.kind);
  line.add_number("process.pid", record.pid);
  line.add_number("Target.process.pid", record.target_pid);
  line.add_text("Target.process.name", record.target_name);
  line.add_text("process.entity_id", record.entity_id);
  line.add_text("process.name", record.name);
  line.add_text("process.executable", record.executable);
  line.add_text("process.command_line", record.command_line);
  line.add_text("process.user.name", record.user_name);
  line.add_text("host.name", record.host);
  add_digits("process.user.id", record.user_id, line);
  add_digits("process.previous.user.id", record.previous_user_id, line);
  return std::move(line).line();
}

}  // namespace detectd
