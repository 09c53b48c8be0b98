#include "flexmig/runtime/loader_cache.h"

#include <cstdint>
#include <cstring>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flexmig/base/file.h"

namespace flexmig::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

void AppendNumber(std::string& out, uint32_t value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

std::string Cache(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string strings;
  std::string table;
  const size_t base = 48 + 24 * entries.size();
  for (const auto& [name, path] : entries) {
    AppendNumber(table, 0x0303);
    AppendNumber(table, static_cast<uint32_t>(base + strings.size()));
    strings += name + '\0';
    AppendNumber(table, static_cast<uint32_t>(base + strings.size()));
    strings += path + '\0';
    for (int i = 0; i < 3; ++i) AppendNumber(table, 0);
  }
  std::string cache = "glibc-ld.so.cache1.1";
  AppendNumber(cache, static_cast<uint32_t>(entries.size()));
  AppendNumber(cache, static_cast<uint32_t>(strings.size()));
  for (int i = 0; i < 5; ++i) AppendNumber(cache, 0);
  return cache + table + strings;
}

TEST(LoaderCacheTest, GivesThePathsOfANameInOrder) {
  const std::string cache = Cache({{"liba.so.1", "/one/liba.so.1"},
                                   {"libnccl.so.2", "/two/libnccl.so.2"},
                                   {"libnccl.so.2", "/three/libnccl.so.2"},
                                   {"libnccl.so.20", "/four/libnccl.so.20"}});
  const auto paths = PathsInLoaderCache(cache, "libnccl.so.2", "cache");
  ASSERT_TRUE(paths.ok()) << paths.status().ToString();
  EXPECT_THAT(*paths, ElementsAre("/two/libnccl.so.2", "/three/libnccl.so.2"));
  EXPECT_THAT(*PathsInLoaderCache(cache, "libb.so", "cache"), ElementsAre());
}

TEST(LoaderCacheTest, ACacheBehindTheOldFormatIsFound) {
  const std::string cache = "ld.so-1.7.0\0\0\0" + Cache({{"a", "/a"}});
  EXPECT_THAT(*PathsInLoaderCache(cache, "a", "cache"), ElementsAre("/a"));
}

TEST(LoaderCacheTest, ACacheCutShortAnywhereIsDataLoss) {
  const std::string cache = Cache({{"a", "/a"}, {"b", "/b"}});
  for (size_t size = 0; size + 1 < cache.size(); ++size) {
    const auto paths = PathsInLoaderCache(cache.substr(0, size), "b", "cache");
    ASSERT_FALSE(paths.ok()) << size;
    EXPECT_EQ(paths.status().code(), StatusCode::kDataLoss);
    EXPECT_THAT(paths.status().message(), HasSubstr("cache: "));
  }
}

TEST(LoaderCacheTest, ReadsTheCacheOfThisMachine) {
  const auto cache = ReadFile("/etc/ld.so.cache");
  if (!cache.ok()) GTEST_SKIP() << "no /etc/ld.so.cache";
  const auto paths = PathsInLoaderCache(*cache, "libc.so.6", "cache");
  ASSERT_TRUE(paths.ok()) << paths.status().ToString();
  EXPECT_FALSE(paths->empty());
}

}  // namespace
}  // namespace flexmig::runtime
