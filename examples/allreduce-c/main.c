/* The job of examples/allreduce, in C: every rank brings a vector, and all take its sum home.
 *
 *   flexmig run -n 4 -- allreduce-c
 */
#include <stdio.h>
#include <stdlib.h>

#include "flexmig/coll/c_api.h"

static int Fail(const char* what) {
  fprintf(stderr, "allreduce-c: %s: %s\n", what, flexmig_last_error());
  return 1;
}

int main(void) {
  enum { kCount = 1000000 };
  flexmig_communicator* communicator = NULL;
  if (flexmig_create_from_environment(NULL, &communicator) != FLEXMIG_OK) return Fail("create");
  const int rank = flexmig_rank(communicator);
  const int ranks = flexmig_world_size(communicator);

  /* Memory that all ranks map: nothing is copied on the way to the sum. */
  void* memory = NULL;
  if (flexmig_allocate_shared(communicator, kCount * sizeof(float), &memory) != FLEXMIG_OK) {
    return Fail("memory");
  }
  float* data = memory;
  for (int i = 0; i < kCount; ++i) data[i] = (float)(rank + 1 + i % 1000);

  const flexmig_reduction sum = {FLEXMIG_SUM, NULL};
  if (flexmig_all_reduce(communicator, data, data, kCount, FLEXMIG_FLOAT32, sum) != FLEXMIG_OK) {
    return Fail("all-reduce");
  }

  int wrong = 0;
  for (int i = 0; i < kCount; ++i) {
    const int expected = ranks * (ranks + 1) / 2 + ranks * (i % 1000);
    if (data[i] != (float)expected) ++wrong;
  }
  if (rank == 0)
    printf("sum of %d floats over %d ranks: %d wrong elements\n", kCount, ranks, wrong);
  flexmig_destroy(communicator);
  return wrong == 0 ? 0 : 1;
}
