#include "flexmig/cuda_abi/functions.h"

#include "facts_for_test.h"

namespace flexmig::cuda_abi {

// NOLINTBEGIN(cppcoreguidelines-macro-usage): the other file reads the same list with other macros.
#define FLEXMIG_FUNCTION(name) facts.functions[#name] = ShapeOf(&name);
#define FLEXMIG_VALUE(own, cuda) facts.values[#cuda] = static_cast<unsigned long long>(own);

Facts OwnFacts() {
  Facts facts;
#include "facts_for_test.inc"
  return facts;
}
// NOLINTEND(cppcoreguidelines-macro-usage)

}  // namespace flexmig::cuda_abi
