#pragma once

#include <string>
#include <string_view>

namespace flexmig::sched {

// The first line is this and the version.
inline constexpr std::string_view kFormatName = "flexmig-event-log";
inline constexpr int kFormatVersion = 1;

// Whether a character stands for itself in a word of an event log.
inline bool IsPlain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-' || c == ':' || c == '/';
}

// Any text as a word without spaces: other bytes as %XX, nothing as "%".
std::string EscapeWord(std::string_view text);

}  // namespace flexmig::sched
