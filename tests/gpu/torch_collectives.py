"""Every collective of torch.distributed, over all its element types: are the results right?

Elements are small integers that tell rank and index, so that they are exact in every type and a chunk
in the wrong place is seen. Sizes are on both sides of the limits between ways to move data.
"""

import ranks
import torch
import torch.distributed as dist
from ranks import require

TYPES = [
    torch.float32,
    torch.float64,
    torch.float16,
    torch.bfloat16,
    torch.int8,
    torch.uint8,
    torch.int32,
    torch.int64,
]
SIZES = [1, 7, 1000, 65521, 1 << 20, (1 << 22) + 3]


def pattern(rank: int, count: int, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    index = torch.arange(count, device=device, dtype=torch.int64)
    return ((index * 7 + rank * 3 + index // 1021) % 9 + 1).to(dtype)


class Case:
    def __init__(self, count: int, dtype: torch.dtype, device: torch.device) -> None:
        self.count, self.dtype, self.device = count, dtype, device
        self.rank, self.world = dist.get_rank(), dist.get_world_size()
        self.all = [pattern(r, count, dtype, device) for r in range(self.world)]

    def own(self) -> torch.Tensor:
        return self.all[self.rank].clone()

    def empty(self, count: int) -> torch.Tensor:
        return torch.zeros(count, dtype=self.dtype, device=self.device)

    def equal(self, got: torch.Tensor, expected: torch.Tensor, what: str) -> None:
        wrong = int((got != expected).sum())
        require(wrong == 0, f"{what} of {self.count} x {self.dtype}: {wrong} wrong elements")

    def reduced(self, op: str) -> torch.Tensor:
        stacked = torch.stack([part.to(torch.float64) for part in self.all])
        result = {
            "sum": stacked.sum(0),
            "max": stacked.max(0).values,
            "min": stacked.min(0).values,
        }[op]
        return result.to(self.dtype)


def all_reduce(case: Case) -> None:
    ops = {"sum": dist.ReduceOp.SUM, "max": dist.ReduceOp.MAX, "min": dist.ReduceOp.MIN}
    for name, op in ops.items():
        data = case.own()
        dist.all_reduce(data, op=op)
        case.equal(data, case.reduced(name), f"all_reduce {name}")


def average(case: Case) -> None:
    if not case.dtype.is_floating_point:
        return  # NCCL's of integers truncates
    data = case.own()
    dist.all_reduce(data, op=dist.ReduceOp.AVG)
    expected = (case.reduced("sum").to(torch.float64) / case.world).to(case.dtype)
    require(torch.allclose(data, expected, rtol=1e-2), f"average of {case.dtype}")


def reduce(case: Case) -> None:
    root = case.world - 1
    data = case.own()
    dist.reduce(data, dst=root)
    if case.rank == root:
        case.equal(data, case.reduced("sum"), "reduce")


def broadcast(case: Case) -> None:
    for root in (0, case.world - 1):
        data = case.own()
        dist.broadcast(data, src=root)
        case.equal(data, case.all[root], "broadcast")


def all_gather(case: Case) -> None:
    parts = [case.empty(case.count) for _ in range(case.world)]
    dist.all_gather(parts, case.own())
    for part, expected in zip(parts, case.all):
        case.equal(part, expected, "all_gather")
    if ranks.ON_GPU:
        whole = case.empty(case.count * case.world)
        dist.all_gather_into_tensor(whole, case.own())
        case.equal(whole, torch.cat(case.all), "all_gather_into_tensor")


def reduce_scatter(case: Case) -> None:
    everything = torch.cat([case.all[case.rank]] * case.world)
    part = case.empty(case.count)
    dist.reduce_scatter_tensor(part, everything)
    case.equal(part, case.reduced("sum"), "reduce_scatter_tensor")


def all_to_all(case: Case) -> None:
    # To peer p goes this rank's pattern plus p, as far as the type goes.
    def piece(source: int, target: int) -> torch.Tensor:
        return (case.all[source] + target).to(case.dtype)

    send = torch.cat([piece(case.rank, peer) for peer in range(case.world)])
    receive = case.empty(case.count * case.world)
    dist.all_to_all_single(receive, send)
    expected = torch.cat([piece(peer, case.rank) for peer in range(case.world)])
    case.equal(receive, expected, "all_to_all_single")


def send_receive(case: Case) -> None:
    right, left = (case.rank + 1) % case.world, (case.rank - 1) % case.world
    receive = case.empty(case.count)
    operations = [
        dist.P2POp(dist.isend, case.own(), right),
        dist.P2POp(dist.irecv, receive, left),
    ]
    for request in dist.batch_isend_irecv(operations):
        request.wait()
    case.equal(receive, case.all[left], "batch_isend_irecv")
    receive = case.empty(case.count)
    if case.rank == 0:
        dist.send(case.own(), dst=1)
    elif case.rank == 1:
        dist.recv(receive, src=0)
        case.equal(receive, case.all[0], "send and recv")


def groups(device: torch.device) -> None:
    """Halves of the ranks, each with collectives of its own at the same time."""
    world, rank = dist.get_world_size(), dist.get_rank()
    halves = [list(range(0, world // 2)), list(range(world // 2, world))]
    for half in halves:
        group = dist.new_group(half)  # on all ranks, in one order
        if rank in half:
            data = torch.full((1000,), float(rank), device=device)
            dist.all_reduce(data, group=group)
            require(bool((data == sum(half)).all()), "all_reduce within a half")


def main() -> None:
    device = ranks.join()
    if dist.get_world_size() < 2:
        ranks.skip("needs at least two ranks")
    collectives = [all_reduce, reduce, broadcast, all_gather, send_receive]
    types, sizes = list(TYPES), list(SIZES)
    if ranks.ON_GPU:
        collectives += [average, reduce_scatter, all_to_all]
    else:
        types.remove(torch.bfloat16)  # gloo has less, and processors are slow at patterns
        sizes = [size for size in SIZES if size < 1 << 20]
    for dtype in types:
        for count in sizes:
            for collective in collectives:
                collective(Case(count, dtype, device))
    groups(device)
    dist.barrier()
    ranks.wait_for_device()
    if dist.get_rank() == 0:
        names = ", ".join(collective.__name__ for collective in collectives)
        print(f"{names}: {len(types)} types, {len(sizes)} sizes: all right")
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
