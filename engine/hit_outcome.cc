#include "engine/hit_outcome.h"

namespace detectd {

std::string_view outcome_of(const Hit& hit) {
  if (!hit.response_outcome.empty()) return hit.response_outcome;
  const bool denies = hit.rule->response && hit.rule->response->action == ResponseAction::kDeny;
  if (denies && hit.event->kind == EventKind::kExecCheck) {
    const FieldView reason = hit.event->find_carried(field::kReason);
    if (reason.has_value()) return reason.text;
  }
  return kNobodyResponds;
}

}  // namespace detectd
