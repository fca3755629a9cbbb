// The directories and links on the way to a file, and who could put another file in its place.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <functional>
#include <span>
#include <string>

namespace detectd {

// Calls `visit` for each directory and each link on the way to `path`, in the order in which the kernel follows them, and
// for what is there at last; `info` is of the link itself. Ends where there is nothing, and behind 40 links.
void visit_way(const std::string& path,
               const std::function<void(const std::filesystem::path& place, const struct stat& info)>& visit);

// Whether none but `users` own it or can write it; of a group that is not root's nobody knows who is in it, but of the one
// that has its owner's number, where `private_groups` says that these are his alone.
bool only_writable_by(const struct stat& info, std::span<const uid_t> users, bool private_groups);

}  // namespace detectd
