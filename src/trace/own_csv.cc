#include <utility>

#include "flexmig/trace/csv_reader.h"

#include "delimited.h"
#include "readers.h"
#include "unique_ids.h"

namespace flexmig::trace {

namespace {

class OwnCsvRows final : public RowReader {
 public:
  explicit OwnCsvRows(CsvReader reader) : reader_(std::move(reader)) {}

  Result<std::optional<Row>> Next() override {
    auto record = reader_.Next();
    if (!record.ok()) return BadOrFatal(record.status());
    if (!*record) return std::optional<Row>();
    const TraceJobId id = (*record)->id;
    if (!ids_.Add(id)) {
      return std::optional<Row>(BadRow{reader_.ErrorAt(1, UniqueIds::Expected(id))});
    }
    return std::optional<Row>(**std::move(record));
  }

 private:
  CsvReader reader_;
  UniqueIds ids_;
};

}  // namespace

Result<std::unique_ptr<RowReader>> OpenOwnCsv(std::unique_ptr<ByteSource> source,
                                              std::string name) {
  FLEXMIG_ASSIGN_OR_RETURN(auto reader, CsvReader::Create(std::move(source), std::move(name)));
  return std::unique_ptr<RowReader>(std::make_unique<OwnCsvRows>(std::move(reader)));
}

}  // namespace flexmig::trace
