#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "flexmig/base/status.h"
#include "flexmig/mig/layout.h"
#include "flexmig/mig/types.h"

namespace flexmig::partition {

// Which GPU instances Flex-MIG has created: those it may destroy without being forced. Drivers do
// not remember who created an instance, so this is a file, docs/formats/created-instances.md. An
// instance is noted before it is created; if the command dies in between and somebody else then
// creates the very same instance, it counts as created here. Threading: thread-compatible.
// Processes exclude each other by their own means.
class CreatedRecord {
 public:
  // Nothing created; in memory only.
  CreatedRecord() = default;

  // The record that `text` holds; in memory only. `file` is used in messages.
  // Errors: kDataLoss "<file>:<line>:<column>: ...".
  static Result<CreatedRecord> Parse(std::string_view text, std::string_view file);

  // The record in `file`, which need not exist. Errors: those of Parse and ReadFile.
  static Result<CreatedRecord> Load(const std::filesystem::path& file);

  [[nodiscard]] bool Contains(const mig::GpuUuid& gpu, const mig::PlacedProfile& placed) const;

  // As it stands in the file: Parse reads it back.
  [[nodiscard]] std::string Format() const;

  // Each writes the file, unless nothing changed or the record is in memory only; on failure the
  // record is as before. Errors: those of WriteFileAtomically.
  Status Add(const mig::GpuUuid& gpu, const mig::MigLayout& created);
  // Forgets what is not in `present`.
  Status Keep(const mig::GpuUuid& gpu, const mig::MigLayout& present);

 private:
  using Instances = std::map<mig::GpuUuid, std::set<mig::PlacedProfile>>;
  Status Store(Instances changed);

  std::filesystem::path file_;  // empty: in memory only
  Instances instances_;
};

}  // namespace flexmig::partition
