#include "tests/support/items.h"

#include <stdexcept>
#include <utility>

namespace detectd::test {
namespace {

Scalar make_scalar(decltype(Scalar::value) value) { return {.value = std::move(value), .span = {}}; }

}  // namespace

Scalar scalar(const char* text) { return make_scalar(std::string(text)); }
Scalar scalar(int number) { return make_scalar(int64_t{number}); }
Scalar scalar(double number) { return make_scalar(number); }
Scalar scalar(bool truth) { return make_scalar(truth); }
Scalar null_scalar() { return make_scalar(std::monostate{}); }

Item make_item(std::string_view key, std::vector<Scalar> values) {
  Item item;
  item.list = values.size() != 1;
  item.values = std::move(values);
  size_t end = std::min(key.find('|'), key.size());
  item.field = key.substr(0, end);
  while (end < key.size()) {
    const size_t begin = end + 1;
    end = std::min(key.find('|', begin), key.size());
    item.modifiers.emplace_back(key.substr(begin, end - begin));
  }
  return item;
}

Given absent() {
  return [](Event&, FieldId) {};
}
Given null() {
  return [](Event& event, FieldId field) { event.set_null(field); };
}
Given text(std::string text) {
  return [text = std::move(text)](Event& event, FieldId field) { event.set_text(field, text); };
}
Given texts(std::vector<std::string> texts) {
  return [texts = std::move(texts)](Event& event, FieldId field) {
    event.begin_list(field);
    for (const std::string& each : texts) {
      if (each.empty()) {
        event.append_null(field);
      } else {
        event.append_text(field, each);
      }
    }
  };
}
Given number(int64_t number) {
  return [number](Event& event, FieldId field) { event.set_integer(field, number); };
}
Given real(double number, std::string as_written) {
  return [=](Event& event, FieldId field) { event.set_real(field, number, as_written); };
}
Given truth(bool value) {
  return [value](Event& event, FieldId field) { event.set_boolean(field, value); };
}

FieldId ItemBench::field(std::string_view name) { return *schema.add(name, FieldType::kAny, true); }

std::shared_ptr<const CompiledItem> ItemBench::compile(const Item& item) {
  ItemContext context{schema, lists, file, diagnostics,
                      [this](std::string_view name, const Span&) { return std::optional(field(name)); }};
  std::optional<FieldId> id;
  if (!item.field.empty()) id = field(item.field);
  return CompiledItem::compile(item, id, context);
}

bool ItemBench::holds(const CompiledItem& item, const std::map<std::string, Given>& fields) {
  for (const auto& [name, given] : fields) field(name);
  Event event;
  event.clear(schema.size());
  event.time_ns = time_ns;
  for (const auto& [name, given] : fields) given(event, field(name));
  TextCache texts(schema);
  texts.begin(event);
  return item.holds(event, texts);
}

bool ItemBench::holds(std::string_view key, std::vector<Scalar> values,
                      const std::map<std::string, Given>& fields) {
  const auto item = compile(make_item(key, std::move(values)));
  if (!item) throw std::runtime_error(diagnostics.all().back().message);
  return holds(*item, fields);
}

void ItemBench::define_list(const std::string& name, std::vector<Scalar> values) {
  lists[name].values = std::move(values);
}

}  // namespace detectd::test
