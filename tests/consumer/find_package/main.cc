// A user of the installed libraries: prices a layout and forms a communicator of one rank.

#include <cstdio>

#include "flexmig/coll/communicator.h"
#include "flexmig/mig/layout.h"

int main() {
  const auto& model = **flexmig::mig::FindGpuModel("a100-40");
  const auto price =
      flexmig::mig::PriceLayout(model, *flexmig::mig::UniformLayout(model, "1g.5gb"));
  const auto alone = flexmig::coll::Communicator::Create({.rendezvous = "consumer"});
  if (!alone.ok() || (*alone)->world_size() != 1) return 1;
  std::printf("%d leaves, %d SMs\n", price.instances, *price.sms);
}
