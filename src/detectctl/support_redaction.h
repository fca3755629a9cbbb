// What must not leave the host in a support bundle.
#pragma once

#include <string>
#include <string_view>

namespace detectd {

// Of each URL in the text only scheme and host are left: what stands behind may be a key.
std::string without_url_secrets(std::string_view text);

// A configuration as print_config() has it. Of [[alert]] only what says when and how often is left.
std::string without_config_secrets(std::string_view toml);

// Of a journal the messages of the daemon and of systemd; hits, which may stand among them, and what quotes a process are
// left out.
std::string without_event_text(std::string_view messages);

}  // namespace detectd
