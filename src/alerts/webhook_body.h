// What a webhook is sent: a hit in the words of the receiver.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "src/alerts/alert.h"

namespace detectd {

enum class BodyFormat : uint8_t {
  kJson,   // as `detectd --output json`
  kSlack,  // an incoming webhook of Slack, Mattermost and others that take its messages
  kOcsf,   // a Detection Finding of the Open Cybersecurity Schema Framework 1.3
  kEcs,    // a document of the Elastic Common Schema 8
};
std::optional<BodyFormat> find_body_format(std::string_view name);

std::string webhook_body(const Alert& alert, BodyFormat format);

// Text for Slack: nothing in it is a link, a mention or a change of font.
std::string slack_escaped(std::string_view text);

}  // namespace detectd
