#include <array>
#include <utility>

#include "calendar.h"
#include "readers.h"
#include "slurm_row.h"

namespace flexmig::trace {

namespace {

constexpr std::array<std::string_view, 7> kColumns = {
    "gpu_num", "user", "vc", "state", "submit_time", "start_time", "end_time"};

class HeliosRows final : public RowReader {
 public:
  explicit HeliosRows(DelimitedReader rows) : rows_(std::move(rows)) {}

  Result<std::optional<Row>> Next() override {
    const auto fields = rows_.Next();
    if (!fields.ok()) return BadOrFatal(fields.status());
    if (!*fields) return std::optional<Row>();
    const std::span<const Field> f = **fields;
    return std::optional<Row>(ParseSlurmRow(rows_, {f[0], f[1], f[2], f[3], f[4], f[5], f[6]},
                                            ParseLocalTime, "a time such as 2020-06-09 18:41:01"));
  }

 private:
  DelimitedReader rows_;
};

}  // namespace

Result<std::unique_ptr<RowReader>> OpenHeliosCsv(std::unique_ptr<ByteSource> source,
                                                 std::string name) {
  FLEXMIG_ASSIGN_OR_RETURN(auto rows,
                           DelimitedReader::Create(std::move(source), std::move(name), kColumns));
  return std::unique_ptr<RowReader>(std::make_unique<HeliosRows>(std::move(rows)));
}

}  // namespace flexmig::trace
