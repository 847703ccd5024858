import logging

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn

from amucl.errors import AmuclError
from amucl.methods.network import training
from amucl.methods.network.encoder import Perceptron
from amucl.methods.network.training import choose_device, even_chunks, load_model, train


@given(st.integers(1, 3000), st.integers(3, 400))
def test_even_chunks_cover_all_samples_evenly(n_samples, batch_size):
    sizes = even_chunks(n_samples, batch_size)
    assert sum(sizes) == n_samples
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) <= batch_size
    assert len(sizes) == -(-n_samples // batch_size)
    assert n_samples == 1 or min(sizes) > 1


@pytest.mark.parametrize(
    ("n_samples", "batch_size", "sizes"),
    [(129, 128, [65, 64]), (128, 128, [128]), (5, 128, [5]), (4, 3, [2, 2]), (300, 128, [100, 100, 100])],
)
def test_even_chunks_by_hand(n_samples, batch_size, sizes):
    assert even_chunks(n_samples, batch_size) == sizes


class Toy:
    """Regression by a stacked perceptron whose loss draws nothing at random and whose one batch holds all samples."""

    def __init__(self, n_replicas, n_samples=20):
        self.network = Perceptron(n_replicas, 4, 1, torch.Generator().manual_seed(0)).double()
        draw = torch.Generator().manual_seed(1)
        self.x = torch.randn(n_samples, 4, generator=draw, dtype=torch.float64)
        self.target = torch.randn(n_samples, 1, generator=draw, dtype=torch.float64)
        self.seen = []

    def losses(self, index):
        self.seen.append(index)
        error = self.network(self.x[index]) - self.target[index]
        return {"loss": error.square().mean((1, 2)), "largest": error.detach().abs().amax((1, 2))}

    def train(self, seed=2, **changed):
        settings = {"epochs": 30, "batch_size": 20, "learning_rate": 0.01, "cosine": True} | changed
        return train(
            self.network,
            self.losses,
            n_samples=len(self.x),
            n_replicas=len(self.network.layers[0].weight),
            generator=torch.Generator().manual_seed(seed),
            **settings,
        )


def test_a_replica_in_a_stack_learns_what_it_learns_alone():
    stack = Toy(3)
    start = {name: value.clone() for name, value in stack.network.state_dict().items()}
    history = stack.train()
    for r in range(3):
        alone = Toy(1)
        alone.network.load_state_dict({name: value[r : r + 1] for name, value in start.items()})
        own = alone.train()
        for name, value in alone.network.state_dict().items():
            torch.testing.assert_close(stack.network.state_dict()[name][r : r + 1], value, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(history.loc[history["restart"] == r + 1, "loss"], own["loss"], rtol=1e-7)


def test_history_has_a_row_per_epoch_and_restart_and_the_loss_falls():
    history = Toy(3).train()
    assert list(history) == ["epoch", "restart", "loss", "largest"]
    assert history["epoch"].tolist() == [epoch for epoch in range(1, 31) for _ in range(3)]
    assert history["restart"].tolist() == [1, 2, 3] * 30
    per_restart = history.pivot_table(index="epoch", columns="restart", values="loss")
    assert (per_restart.iloc[-1] < 0.9 * per_restart.iloc[0]).all()


def test_first_history_row_is_the_loss_before_any_step():
    toy = Toy(2)
    before = toy.losses(torch.arange(20).expand(2, -1))["loss"]
    np.testing.assert_allclose(toy.train(epochs=1)["loss"], before.detach())


def test_history_weighs_batches_by_their_size():
    toy = Toy(1)
    history = toy.train(epochs=1, batch_size=7, learning_rate=1e-12)  # 7, 7, 6
    everything = toy.losses(torch.arange(20)[None])["loss"]
    np.testing.assert_allclose(history["loss"], everything.detach(), rtol=1e-9)


def test_every_epoch_shows_each_replica_all_samples_in_an_order_of_its_own():
    toy = Toy(2)
    toy.train(epochs=2, batch_size=8)
    assert [tuple(index.shape) for index in toy.seen] == [(2, 7), (2, 7), (2, 6)] * 2
    epochs = [torch.cat(toy.seen[:3], dim=1), torch.cat(toy.seen[3:], dim=1)]
    for order in epochs:
        assert torch.equal(order.sort(dim=1).values, torch.arange(20).expand(2, -1))
        assert not torch.equal(order[0], order[1])
    assert not torch.equal(*epochs)


def test_same_seed_same_training():
    first, second, other = Toy(2), Toy(2), Toy(2)
    first.train(batch_size=8), second.train(batch_size=8), other.train(batch_size=8, seed=3)
    for name, value in first.network.state_dict().items():
        assert torch.equal(value, second.network.state_dict()[name])
    assert not torch.equal(first.network.layers[0].weight, other.network.layers[0].weight)


@pytest.mark.parametrize(("cosine", "last"), [(True, 0.0), (False, 0.01)])
def test_cosine_ends_at_zero(monkeypatch, cosine, last):
    rates = []

    class Recorded(torch.optim.Adam):
        def step(self, *arguments):
            rates.append(self.param_groups[0]["lr"])
            return super().step(*arguments)

        def zero_grad(self, *arguments, **options):
            made.append(self)
            super().zero_grad(*arguments, **options)

    made = []
    monkeypatch.setattr(training.torch.optim, "Adam", Recorded)
    Toy(1).train(epochs=10, cosine=cosine)
    expected = 0.005 * (1 + np.cos(np.pi * np.arange(10) / 10)) if cosine else np.full(10, 0.01)
    np.testing.assert_allclose(rates, expected)
    assert made[-1].param_groups[0]["lr"] == pytest.approx(last, abs=1e-15)


def test_progress_is_logged_about_twenty_times(caplog):
    with caplog.at_level(logging.INFO, logger="amucl.methods.network.training"):
        Toy(1).train(epochs=60)
    messages = [record.getMessage() for record in caplog.records]
    assert messages[0].startswith("epoch 1 of 60: loss ")
    assert messages[-1].startswith("epoch 60 of 60: loss ")
    assert len(messages) == 21


def test_device_is_chosen_or_explained(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device().type == choose_device("cpu").type == "cpu"
    with pytest.raises(AmuclError, match="there is no GPU that torch can use; got device cuda; set device to auto or"):
        choose_device("cuda")
    with pytest.raises(AmuclError, match="unknown device; expected auto or cpu or cuda; got gpu"):
        choose_device("gpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device().type == choose_device("cuda").type == "cuda"
    assert choose_device("cpu").type == "cpu"


def test_a_network_of_any_kind_can_be_trained():
    layer = nn.Linear(2, 1)
    x = torch.ones(6, 2)
    history = train(
        layer,
        lambda index: {"loss": (layer(x[index[0]]) - 3).square().mean()[None]},
        n_samples=6,
        n_replicas=1,
        epochs=200,
        batch_size=6,
        learning_rate=0.1,
        cosine=True,
        generator=torch.Generator().manual_seed(0),
    )
    assert history["loss"].iloc[-1] < 1e-4


def test_a_file_that_is_no_model_is_refused(tmp_path):
    (tmp_path / "model").write_bytes(b"something else")
    save_file({"a": torch.ones(2)}, tmp_path / "weights")
    for name in ("model", "weights"):
        with pytest.raises(AmuclError, match=f"{name}: is not a trained model of this pipeline; train it again"):
            load_model(tmp_path / name)
    with pytest.raises(AmuclError, match="absent"):
        load_model(tmp_path / "absent")
