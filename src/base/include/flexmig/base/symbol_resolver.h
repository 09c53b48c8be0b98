#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace flexmig {

// Fills pointers to functions of a library that is loaded at run time, and remembers what it lacks.
class SymbolResolver {
 public:
  // `find` answers as dlsym: the function of that name, or null.
  explicit SymbolResolver(std::function<void*(const char* name)> find) : find_(std::move(find)) {}

  // The first of `names` that the library has; they share one signature.
  template <typename Function>
  void Optional(Function*& slot, std::initializer_list<const char*> names) {
    for (const char* name : names) {
      if (void* found = find_(name)) {
        slot = reinterpret_cast<Function*>(found);
        return;
      }
    }
  }
  template <typename Function>
  void Required(Function*& slot, std::initializer_list<const char*> names) {
    Optional(slot, names);
    if (slot == nullptr) missing_.emplace_back(*names.begin());
  }

  // The first name of each required function that was not found.
  [[nodiscard]] const std::vector<std::string>& missing() const { return missing_; }

 private:
  std::function<void*(const char*)> find_;
  std::vector<std::string> missing_;
};

}  // namespace flexmig
