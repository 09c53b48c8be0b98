#include "ptx.h"

#include <cctype>

namespace flexmig::cuda_sim {

std::shared_ptr<KernelModule> ParsePtx(std::string_view text) {
  if (text.find(".version") == std::string_view::npos ||
      text.find(".target") == std::string_view::npos) {
    return nullptr;
  }
  const auto is_space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  const auto is_name = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$';
  };
  auto module = std::make_shared<KernelModule>();
  constexpr std::string_view kEntry = ".entry";
  constexpr std::string_view kVisible = ".visible";
  for (size_t at = text.find(kVisible); at != std::string_view::npos;
       at = text.find(kVisible, at)) {
    at += kVisible.size();
    while (at < text.size() && is_space(text[at])) ++at;
    if (!text.substr(at).starts_with(kEntry)) continue;
    at += kEntry.size();
    while (at < text.size() && is_space(text[at])) ++at;
    const size_t begin = at;
    while (at < text.size() && is_name(text[at])) ++at;
    if (at > begin) module->entries.emplace_back(text.substr(begin, at - begin));
  }
  return module;
}

}  // namespace flexmig::cuda_sim
