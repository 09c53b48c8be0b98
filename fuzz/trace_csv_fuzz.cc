// Any bytes are a trace or an error, never a crash; what is read can be written and read again.

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "flexmig/base/check.h"
#include "flexmig/trace/byte_source.h"
#include "flexmig/trace/csv_reader.h"
#include "flexmig/trace/csv_writer.h"

namespace {

using flexmig::Result;
using flexmig::trace::CsvReader;
using flexmig::trace::JobRecord;

Result<std::vector<JobRecord>> Read(std::string bytes) {
  FLEXMIG_ASSIGN_OR_RETURN(
      auto source, flexmig::trace::Decompressed(flexmig::trace::FromMemory(std::move(bytes)), "f"));
  FLEXMIG_ASSIGN_OR_RETURN(auto reader, CsvReader::Create(std::move(source), "f"));
  std::vector<JobRecord> records;
  while (true) {
    FLEXMIG_ASSIGN_OR_RETURN(auto record, reader.Next());
    if (!record) return records;
    records.push_back(*std::move(record));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto records = Read(std::string(reinterpret_cast<const char*>(data), size));
  if (!records.ok()) return 0;
  const auto text = flexmig::trace::WriteCsv(*records);
  FLEXMIG_CHECK(text.ok());
  const auto again = Read(*text);
  FLEXMIG_CHECK(again.ok());
  FLEXMIG_CHECK(*again == *records);
  return 0;
}
