"""Collectives captured into a CUDA graph run at every replay, in order with what is around them."""

import ranks
import torch
import torch.distributed as dist
from ranks import require

REPLAYS = 50


def main() -> None:
    if not ranks.ON_GPU:
        ranks.skip("graphs need a GPU")
    device = ranks.join()
    rank, world = dist.get_rank(), dist.get_world_size()
    for count in (16, 100_000, 4_000_000):  # small, medium, in many pieces
        x = torch.zeros(count, device=device)
        gathered = torch.zeros(count * world, device=device)

        def work() -> torch.Tensor:
            y = x * 2  # before, and after, there is work on the same stream
            dist.all_reduce(y)
            y = y + 1
            dist.all_gather_into_tensor(gathered, y)
            return gathered.sum(dtype=torch.float64)

        # What is made at a first call must not be made during the capture.
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                work()
        torch.cuda.current_stream().wait_stream(side)
        torch.cuda.synchronize()

        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            total = work()
        for replay in range(REPLAYS):
            x.fill_(float(rank + replay))
            graph.replay()
            torch.cuda.synchronize()
            every = 2.0 * (world * (world - 1) / 2 + world * replay) + 1
            require(bool((gathered == every).all()), f"replay {replay} of {count}: wrong elements")
            require(float(total) == every * count * world, f"replay {replay} of {count}: wrong sum")
        # The graph does not keep ordinary calls from running between its launches.
        data = torch.ones(count, device=device)
        dist.all_reduce(data)
        graph.replay()
        torch.cuda.synchronize()
        require(bool((data == world).all()), "a call between replays")
        del graph
    dist.barrier()
    torch.cuda.synchronize()
    if rank == 0:
        print(f"graphs of 3 sizes, {REPLAYS} replays each: all right")
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
