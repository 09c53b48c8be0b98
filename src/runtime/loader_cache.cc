#include "flexmig/runtime/loader_cache.h"

#include <cstdint>
#include <cstring>

#include "flexmig/base/strings.h"

namespace flexmig::runtime {
namespace {

constexpr std::string_view kMagic = "glibc-ld.so.cache1.1";

// As glibc lays them out, in the machine's byte order; offsets count from the magic.
struct Header {
  char magic[20];
  uint32_t entry_count;
  uint32_t strings_size;
  uint8_t flags;
  uint8_t padding[3];
  uint32_t extension_offset;
  uint32_t unused[3];
};
static_assert(sizeof(Header) == 48);

struct Entry {
  int32_t flags;
  uint32_t name_offset;
  uint32_t path_offset;
  uint32_t os_version;
  uint64_t hwcap;
};
static_assert(sizeof(Entry) == 24);

// The text that ends in a zero byte.
Result<std::string_view> TextAt(std::string_view cache, uint32_t offset) {
  const auto end = offset < cache.size() ? cache.find('\0', offset) : std::string_view::npos;
  if (end == std::string_view::npos) return DataLossError("a name lies outside the file");
  return cache.substr(offset, end - offset);
}

}  // namespace

Result<std::vector<std::string>> PathsInLoaderCache(std::string_view cache, std::string_view name,
                                                    std::string_view file) {
  const auto begin = cache.find(kMagic);
  if (begin == std::string_view::npos) {
    return DataLossError(StrCat(file, ": is not a cache of the loader (no '", kMagic, "')"));
  }
  cache.remove_prefix(begin);
  Header header;
  if (cache.size() < sizeof header) return DataLossError(StrCat(file, ": is cut short"));
  std::memcpy(&header, cache.data(), sizeof header);
  if ((cache.size() - sizeof header) / sizeof(Entry) < header.entry_count) {
    return DataLossError(StrCat(file, ": is cut short: ", header.entry_count, " entries promised"));
  }
  std::vector<std::string> paths;
  for (uint32_t i = 0; i < header.entry_count; ++i) {
    Entry entry;
    std::memcpy(&entry, cache.data() + sizeof header + i * sizeof entry, sizeof entry);
    const auto entry_name = TextAt(cache, entry.name_offset);
    if (!entry_name.ok()) return entry_name.status().WithContext(file);
    if (*entry_name != name) continue;
    const auto path = TextAt(cache, entry.path_offset);
    if (!path.ok()) return path.status().WithContext(file);
    paths.emplace_back(*path);
  }
  return paths;
}

}  // namespace flexmig::runtime
