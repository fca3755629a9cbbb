#include "engine/process_bytes.h"

namespace detectd {

// Chains of parents are bounded (process_table.h), so this does not recurse deeply.
void ProcessBytes::hold(const Process& process) {
  if (!process.holders.take()) return;
  total_ += Process::size_bytes();
  if (process.host) hold(*process.host);
  hold(*process.attributes);
  if (process.previous) hold(*process.previous);
  if (process.parent) hold(*process.parent);
}

void ProcessBytes::release(const Process& process) {
  if (!process.holders.give_back()) return;
  total_ -= Process::size_bytes();
  if (process.host) release(*process.host);
  release(*process.attributes);
  if (process.previous) release(*process.previous);
  if (process.parent) release(*process.parent);
}

void ProcessBytes::hold(const Attributes& attributes) {
  if (!attributes.holders.take()) return;
  total_ += attributes.size_bytes();
  for (const auto& part : attributes.parts()) hold(*part);
}

void ProcessBytes::release(const Attributes& attributes) {
  if (!attributes.holders.give_back()) return;
  total_ -= attributes.size_bytes();
  for (const auto& part : attributes.parts()) release(*part);
}

void ProcessBytes::hold(const ProcessHost& host) {
  if (host.holders.take()) total_ += host.size_bytes();
}

void ProcessBytes::release(const ProcessHost& host) {
  if (host.holders.give_back()) total_ -= host.size_bytes();
}

}  // namespace detectd
