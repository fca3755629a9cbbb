// Items and events for tests, as short as they can be said.
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/item.h"

namespace detectd::test {

Scalar scalar(const char* text);
Scalar scalar(int number);
Scalar scalar(double number);
Scalar scalar(bool truth);
Scalar null_scalar();

// `field|modifier|...`; without a field a keyword search.
Item make_item(std::string_view key, std::vector<Scalar> values);

// What an event says of a field: nothing, or one of these.
using Given = std::function<void(Event&, FieldId)>;
Given absent();
Given null();
Given text(std::string text);
Given texts(std::vector<std::string> texts);  // a list; an empty text is a null in it
Given number(int64_t number);
Given real(double number, std::string as_written);
Given truth(bool value);

// Compiles items and asks them about events. Fields beyond the table are declared as they are named.
class ItemBench {
 public:
  std::shared_ptr<const CompiledItem> compile(const Item& item);
  // The event has these fields, by name.
  bool holds(const CompiledItem& item, const std::map<std::string, Given>& fields);
  bool holds(std::string_view key, std::vector<Scalar> values, const std::map<std::string, Given>& fields);
  // Of the field `f`.
  bool holds(std::string_view key, std::vector<Scalar> values, const Given& given) {
    return holds(key, std::move(values), std::map<std::string, Given>{{"f", given}});
  }

  void define_list(const std::string& name, std::vector<Scalar> values);
  FieldId field(std::string_view name);

  Schema schema;
  std::map<std::string, ListDefinition> lists;
  SourcePtr file;
  Diagnostics diagnostics;
  int64_t time_ns = 0;  // of the events
};

}  // namespace detectd::test
