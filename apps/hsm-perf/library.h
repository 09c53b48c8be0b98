#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "flexmig/base/status.h"

#include "rank.h"

namespace flexmig::perf {

// A library that is measured, and how a group of its ranks is started.
struct Library {
  std::string name;  // "flexmig", "openmpi"
  // Empty: ranks are forked and use `make_backend`. Else a program that is given the board's path,
  // and its rank unless the launcher gives it one.
  std::string program;
  // What starts all ranks of `program`, ending before its path; empty: we start each of them.
  // "{ranks}" and "{folder}" stand for the group's.
  std::vector<std::string> launcher;
  MakeBackend make_backend;
};

// Ours.
[[nodiscard]] Library FlexmigLibrary();

// openmpi, mpich or gloo: hsm-perf-<name> beside this program.
// Errors: kInvalidArgument for another name; kNotFound, saying what to install, if that program was
// not built.
Result<Library> FindPeer(std::string_view name);

}  // namespace flexmig::perf
