"""The training loop shared by the deep methods: minibatches in memory, one device, one generator, live progress."""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from amucl.errors import AmuclError
from amucl.files import atomic_path, require_file

logger = logging.getLogger(__name__)

DEVICES = ("auto", "cpu", "cuda")
N_REPORTS = 20
NETWORK = "network."


def choose_device(device: str = "auto") -> torch.device:
    """The device named, or for `auto` the first GPU where there is one and else the processor.

    Raises AmuclError for another name, or where `cuda` is asked for and absent.
    """
    if device not in DEVICES:
        raise AmuclError("unknown device", expected=" or ".join(DEVICES), got=device)
    if device == "cuda" and not torch.cuda.is_available():
        raise AmuclError("there is no GPU that torch can use", got="device cuda", action="set device to auto or cpu")
    return torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")


def even_chunks(n_samples: int, batch_size: int) -> list[int]:
    """Sizes of the fewest batches of at most `batch_size` that cover n_samples, differing by at most one.

    With batch_size of 3 or more, even batches never leave a single sample, whose contrastive loss would be undefined.
    """
    n_batches = math.ceil(n_samples / batch_size)
    short, n_long = divmod(n_samples, n_batches)
    return [short + 1] * n_long + [short] * (n_batches - n_long)


def train(
    network: nn.Module,
    batch_losses: Callable[[Tensor], dict[str, Tensor]],
    *,
    n_samples: int,
    n_replicas: int,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    cosine: bool,
    generator: torch.Generator,
) -> pd.DataFrame:
    """Train a stack of replicas with Adam and return the history: epoch, restart, loss and its parts.

    Parameters
    ----------
    batch_losses : maps sample indices (R, B) to named losses, each (R,); `loss` is minimised, the rest are recorded.
    n_samples : size of the cohort; every epoch each replica sees all samples once in its own order.
    cosine : let the learning rate fall to 0 along a half cosine over the epochs.

    Replicas do not touch one another: the sum of their losses has each replica's own gradient.
    """
    optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs) if cosine else None
    sizes = even_chunks(n_samples, batch_size)
    history = []
    for epoch in range(1, epochs + 1):
        order = torch.rand((n_replicas, n_samples), generator=generator, device=generator.device).argsort(dim=1)
        totals: dict[str, Tensor] = {}
        for index in order.split(sizes, dim=1):
            losses = batch_losses(index)
            optimizer.zero_grad(set_to_none=True)
            losses["loss"].sum().backward()
            optimizer.step()
            for name, value in losses.items():
                totals[name] = totals.get(name, 0) + value.detach() * (index.shape[1] / n_samples)
        if schedule is not None:
            schedule.step()
        history.append({name: value.cpu() for name, value in totals.items()})
        if epoch % max(1, epochs // N_REPORTS) == 0 or epoch in (1, epochs):
            logger.info("epoch %d of %d: loss %.4f", epoch, epochs, totals["loss"].mean().item())
    return _history_table(history, n_replicas)


def require_converged(features: np.ndarray, where: str, action: str) -> np.ndarray:
    """The features as they are. Raises AmuclError where training ended in values that are not finite."""
    if not np.isfinite(features).all():
        raise AmuclError("training diverged", where=where, action=action)
    return features


def save_model(
    network: nn.Module,
    parameters: dict[str, Any],
    path: str | Path,
    *,
    features: Mapping[str, Sequence[str]] | None = None,
    others: Mapping[str, Tensor] | None = None,
) -> None:
    """Write a network as safetensors, its tensors as `network.{name}`, and what else it needs beside them.

    The metadata `about` is JSON: hyperparameters (`parameters`), omic -> names of its features in the order in which
    the network takes them (`features`), and a digest of these and of all tensors (`sha256`).
    """
    tensors = {f"{NETWORK}{name}": value.detach().cpu() for name, value in network.state_dict().items()}
    tensors |= others or {}
    # One entry: several would be written in an order that differs from run to run.
    about = {"parameters": parameters, "features": features or {}}
    tensors = {name: value.contiguous() for name, value in tensors.items()}
    stored = {"about": json.dumps(about | {"sha256": _digest(about, tensors)})}
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, metadata=stored)


@contextmanager
def model_errors(path: str | Path) -> Iterator[None]:
    """Whatever goes wrong within is told as a file that `save_model` has not written: one AmuclError."""
    try:
        yield
    except AmuclError:
        raise
    except Exception as error:  # what a stranger has put in place of names and tensors fails in any way whatever
        raise AmuclError("is not a trained model of this pipeline", where=path, action="train it again") from error


def load_model(path: str | Path) -> tuple[dict[str, Any], dict[str, Tensor], dict[str, Tensor]]:
    """What `save_model` wrote: the metadata, the network's tensors by their own names, the others.

    Raises AmuclError for a file that is absent, was not written by it or is not as it was written: names in another
    order would be given other features' weights.
    """
    with model_errors(path), safe_open(require_file(path), "pt") as stored:
        about = json.loads((stored.metadata() or {})["about"])
        digest = about.pop("sha256")
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        if not all(torch.isfinite(value).all() for value in tensors.values()):
            raise ValueError("numbers that are not finite")
        if digest != _digest(about, tensors):
            raise AmuclError("is not as it was written: its content was changed", where=path, action="train it again")
    weights = {name.removeprefix(NETWORK): value for name, value in tensors.items() if name.startswith(NETWORK)}
    return about, weights, {name: value for name, value in tensors.items() if not name.startswith(NETWORK)}


def _digest(about: dict[str, Any], tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of what a model's file says, omics and features in their order, and of its numbers."""
    made = hashlib.sha256(json.dumps(about).encode())
    for name, value in sorted(tensors.items()):
        made.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        made.update(value.numpy().tobytes())
    return made.hexdigest()


def _history_table(history: list[dict[str, Tensor]], n_replicas: int) -> pd.DataFrame:
    columns = {name: torch.cat([epoch[name] for epoch in history]).numpy() for name in history[0]}
    table = pd.DataFrame(columns)
    table.insert(0, "restart", list(range(1, n_replicas + 1)) * len(history))
    table.insert(0, "epoch", [epoch for epoch in range(1, len(history) + 1) for _ in range(n_replicas)])
    return table
