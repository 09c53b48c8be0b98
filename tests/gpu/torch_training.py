"""DDP and FSDP train as one process does: equal parameters, within what another order of sums makes.

Every rank also trains the model alone on the whole batch, and compares.
"""

import copy
from typing import Dict, Iterator, Tuple

import ranks
import torch
import torch.distributed as dist
from ranks import require
from torch import nn
from torch.nn.parallel import DistributedDataParallel

STEPS = 20
BATCH = 32  # of each rank
WIDTH = 256


def make_model(device: torch.device) -> nn.Module:
    torch.manual_seed(1)
    layers = [nn.Linear(64, WIDTH), nn.GELU(), nn.LayerNorm(WIDTH)]
    for _ in range(4):
        layers += [nn.Linear(WIDTH, WIDTH), nn.GELU(), nn.LayerNorm(WIDTH)]
    return nn.Sequential(*layers, nn.Linear(WIDTH, 8)).to(device)


def batches(device: torch.device) -> Iterator[Tuple[torch.Tensor, torch.Tensor]]:
    """The whole batch of each step, the same on all ranks."""
    generator = torch.Generator().manual_seed(2)
    size = BATCH * dist.get_world_size()
    for _ in range(STEPS):
        inputs = torch.randn(size, 64, generator=generator)
        targets = torch.randn(size, 8, generator=generator)
        yield inputs.to(device), targets.to(device)


def train(model: nn.Module, device: torch.device, own_part: bool) -> float:
    """Trains in place; the last loss, of the part that this rank sees."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    loss = torch.zeros(())
    for inputs, targets in batches(device):
        if own_part:
            part = slice(dist.get_rank() * BATCH, (dist.get_rank() + 1) * BATCH)
            inputs, targets = inputs[part], targets[part]
        optimizer.zero_grad(set_to_none=True)
        loss = nn.functional.mse_loss(model(inputs), targets)
        loss.backward()
        optimizer.step()
    return float(loss.detach())


def compare(name: str, got: Dict[str, torch.Tensor], expected: Dict[str, torch.Tensor]) -> float:
    require(set(got) == set(expected), f"{name} has other parameters: {sorted(got)}")
    worst = 0.0
    for key, value in expected.items():
        difference = float((got[key].to(value.device) - value).abs().max())
        require(torch.allclose(got[key].to(value.device), value, rtol=1e-3, atol=1e-4),
                f"{name}: {key} differs by {difference}")
        worst = max(worst, difference)
    return worst


def equal_on_all_ranks(model: nn.Module) -> None:
    """Bit for bit: all ranks applied the same reduced gradients."""
    flat = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
    first = flat.clone()
    dist.broadcast(first, src=0)
    require(bool(torch.equal(flat, first)), "parameters differ from rank 0's")


def with_fsdp(start: nn.Module, device: torch.device) -> Dict[str, torch.Tensor]:
    from torch.distributed.fsdp import FullyShardedDataParallel, StateDictType

    model = FullyShardedDataParallel(
        nn.Sequential(*(FullyShardedDataParallel(layer) if isinstance(layer, nn.Linear) else layer
                        for layer in copy.deepcopy(start))),
        device_id=device,
    )
    train(model, device, own_part=True)
    with FullyShardedDataParallel.state_dict_type(model, StateDictType.FULL_STATE_DICT):
        state = model.state_dict()
    return {key.replace("_fsdp_wrapped_module.", ""): value for key, value in state.items()}


def main() -> None:
    device = ranks.join()
    # Otherwise a matrix of another height may be multiplied with less precision.
    torch.backends.cuda.matmul.allow_tf32 = False
    start = make_model(device)

    alone = copy.deepcopy(start)
    train(alone, device, own_part=False)
    expected = {key: value.detach().clone() for key, value in alone.state_dict().items()}
    moved = max(float((value - start.state_dict()[key]).abs().max())
                for key, value in expected.items())
    require(moved > 0.01, f"the training did not train: parameters moved by {moved}")

    shared = copy.deepcopy(start)
    ddp = DistributedDataParallel(shared, device_ids=[0] if ranks.ON_GPU else None)
    train(ddp, device, own_part=True)
    worst = compare("DDP", shared.state_dict(), expected)
    equal_on_all_ranks(shared)
    report = f"DDP: {STEPS} steps, parameters within {worst:.2e} of one process's"
    if ranks.ON_GPU:
        worst = compare("FSDP", with_fsdp(start, device), expected)
        report += f"; FSDP within {worst:.2e}"
    dist.barrier()
    ranks.wait_for_device()
    if dist.get_rank() == 0:
        print(report)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
