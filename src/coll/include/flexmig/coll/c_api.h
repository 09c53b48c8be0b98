#ifndef FLEXMIG_COLL_C_API_H_
#define FLEXMIG_COLL_C_API_H_

/* The collectives for C, and for languages that call C. What each function does, its buffers,
 * errors and threads are as in communicator.h, under the C++ name in front of the declaration.
 *
 * Every function but the last four returns FLEXMIG_OK or the code of an error, whose text is
 * flexmig_last_error() in the same thread. None throws or exits. Outputs are untouched on errors.
 * Counts are in elements, times in milliseconds. */

#include <stddef.h>
#include <stdint.h>

/* NOLINTBEGIN(readability-identifier-naming): C's names, not ours. */

/* In C++ too, a caller's wrong number has to arrive as what it is. */
#ifdef __cplusplus
#define FLEXMIG_ENUM_AS_INT : int
extern "C" {
#else
#define FLEXMIG_ENUM_AS_INT
#endif

/* As flexmig::StatusCode. Numbers never change; new ones may come. */
typedef enum flexmig_status FLEXMIG_ENUM_AS_INT {
  FLEXMIG_OK = 0,
  FLEXMIG_INVALID_ARGUMENT = 1,
  FLEXMIG_FAILED_PRECONDITION = 2,
  FLEXMIG_RESOURCE_EXHAUSTED = 3,
  FLEXMIG_NOT_FOUND = 4,
  FLEXMIG_ALREADY_EXISTS = 5,
  FLEXMIG_UNAVAILABLE = 6,
  FLEXMIG_DEADLINE_EXCEEDED = 7,
  FLEXMIG_ABORTED = 8,
  FLEXMIG_PERMISSION_DENIED = 9,
  FLEXMIG_UNIMPLEMENTED = 10,
  FLEXMIG_DATA_LOSS = 11,
  FLEXMIG_INTERNAL = 12
} flexmig_status;

/* As flexmig::reduce::DataType. */
typedef enum flexmig_type FLEXMIG_ENUM_AS_INT {
  FLEXMIG_FLOAT32 = 0,
  FLEXMIG_FLOAT64 = 1,
  FLEXMIG_INT32 = 2,
  FLEXMIG_INT64 = 3,
  FLEXMIG_BFLOAT16 = 4,
  FLEXMIG_FLOAT16 = 5,
  FLEXMIG_INT8 = 6,
  FLEXMIG_UINT8 = 7,
  FLEXMIG_UINT32 = 8,
  FLEXMIG_UINT64 = 9,
  FLEXMIG_FLOAT8_E4M3 = 10,
  FLEXMIG_FLOAT8_E5M2 = 11
} flexmig_type;

/* As flexmig::reduce::ReduceOp. */
typedef enum flexmig_op FLEXMIG_ENUM_AS_INT {
  FLEXMIG_SUM = 0,
  FLEXMIG_MIN = 1,
  FLEXMIG_MAX = 2,
  FLEXMIG_PROD = 3,
  FLEXMIG_AVG = 4,
  FLEXMIG_PREMUL_SUM = 5
} flexmig_op;

/* `factor` points to one element of the call's type for FLEXMIG_PREMUL_SUM, else it is ignored. */
typedef struct flexmig_reduction {
  flexmig_op op;
  const void* factor;
} flexmig_reduction;

typedef struct flexmig_communicator flexmig_communicator;

/* CommunicatorOptions. Zero times mean the defaults. */
typedef struct flexmig_options {
  size_t size; /* sizeof(flexmig_options) of the caller */
  const char* rendezvous;
  int rank;
  int world_size;
  const char* leaf; /* or null */
  int64_t connect_timeout_ms;
  int64_t timeout_ms;
} flexmig_options;

/* Transfer. */
typedef struct flexmig_transfer {
  int is_send; /* else it is a receive */
  int peer;
  void* data; /* only read by a send */
  size_t count;
  flexmig_type type;
} flexmig_transfer;

/* Communicator::Create, and FromEnvironment; `tag` may be null. The caller destroys the result. */
flexmig_status flexmig_create(const flexmig_options* options, flexmig_communicator** communicator);
flexmig_status flexmig_create_from_environment(const char* tag,
                                               flexmig_communicator** communicator);
/* Split, which gives null for a negative color, and Shrink. */
flexmig_status flexmig_split(flexmig_communicator* communicator, int color, int key,
                             flexmig_communicator** part);
flexmig_status flexmig_shrink(flexmig_communicator* communicator, const int* excluded,
                              size_t excluded_count, flexmig_communicator** rest);

flexmig_status flexmig_all_reduce(flexmig_communicator* communicator, const void* send,
                                  void* receive, size_t count, flexmig_type type,
                                  flexmig_reduction reduction);
flexmig_status flexmig_reduce(flexmig_communicator* communicator, const void* send, void* receive,
                              size_t count, flexmig_type type, flexmig_reduction reduction,
                              int root);
flexmig_status flexmig_reduce_scatter(flexmig_communicator* communicator, const void* send,
                                      void* receive, size_t count, flexmig_type type,
                                      flexmig_reduction reduction);
flexmig_status flexmig_all_gather(flexmig_communicator* communicator, const void* send,
                                  void* receive, size_t count, flexmig_type type);
flexmig_status flexmig_gather(flexmig_communicator* communicator, const void* send, void* receive,
                              size_t count, flexmig_type type, int root);
flexmig_status flexmig_broadcast(flexmig_communicator* communicator, const void* send,
                                 void* receive, size_t count, flexmig_type type, int root);
flexmig_status flexmig_scatter(flexmig_communicator* communicator, const void* send, void* receive,
                               size_t count, flexmig_type type, int root);
flexmig_status flexmig_all_to_all(flexmig_communicator* communicator, const void* send,
                                  void* receive, size_t count, flexmig_type type);
/* AllToAllV: each array holds one number for each rank. */
flexmig_status flexmig_all_to_all_v(flexmig_communicator* communicator, const void* send,
                                    const size_t* send_counts, const size_t* send_offsets,
                                    void* receive, const size_t* receive_counts,
                                    const size_t* receive_offsets, flexmig_type type);
flexmig_status flexmig_barrier(flexmig_communicator* communicator);

/* Exchange, Send and Receive. */
flexmig_status flexmig_exchange(flexmig_communicator* communicator,
                                const flexmig_transfer* transfers, size_t transfer_count);
flexmig_status flexmig_send(flexmig_communicator* communicator, const void* data, size_t count,
                            flexmig_type type, int to);
flexmig_status flexmig_receive(flexmig_communicator* communicator, void* data, size_t count,
                               flexmig_type type, int from);

/* AllocateShared and FreeShared. */
flexmig_status flexmig_allocate_shared(flexmig_communicator* communicator, size_t bytes,
                                       void** memory);
flexmig_status flexmig_free_shared(flexmig_communicator* communicator, void* memory, size_t bytes);

/* Communicator::status. */
flexmig_status flexmig_get_status(flexmig_communicator* communicator);
/* Abort: from any thread. */
flexmig_status flexmig_abort(flexmig_communicator* communicator, const char* reason);

int flexmig_rank(const flexmig_communicator* communicator);
int flexmig_world_size(const flexmig_communicator* communicator);
/* Never waits for the peers. Null is allowed. */
void flexmig_destroy(flexmig_communicator* communicator);
/* Why the last function of this thread that failed did so; "" if none has. Valid until the next
 * one fails. */
const char* flexmig_last_error(void);

/* NOLINTEND(readability-identifier-naming) */

#ifdef __cplusplus
}
#endif

#endif /* FLEXMIG_COLL_C_API_H_ */
