"""How well and how fast DMACL works: `PYTHONPATH=src:. python -m benchmarks.dmacl --data ../shared/data`.

Parts: `fits` (ARI of full fits on the published and the hard simulated sets), `draws` (fresh InterSIM draws), `real`
(cohorts of known classes), `missing` (patients who lose an omic), `ablations`, `speed` (seconds per epoch against two
references), `width` (growth with the number of features). Parts that need data are left out without --data.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from torch.utils.data import DataLoader, Dataset

from amucl.cohort.simulation.intersim import draw_intersim
from amucl.cohort.simulation.reference import read_reference
from amucl.files import write_table
from amucl.methods.blocks import zscore
from amucl.methods.network.dmacl import DMACL
from amucl.methods.network.encoder import ContrastiveNetwork
from amucl.methods.network.losses import (
    cluster_contrastive_loss,
    decoupled_contrastive_loss,
    negative_assignment_entropy,
)
from amucl.methods.registry import METHODS, build

OUT = Path("results", "bench")
SETTINGS = [f"{sizes}/{k}" for sizes in ("equal", "heterogeneous") for k in (5, 10, 15)]
HARD = [f"{sizes}_k5_delta{delta}" for sizes in ("equal", "heterogeneous") for delta in (0.5, 0.6, 0.8)]
# k, delta, patients of fresh draws with unequal clusters.
DRAWS = [
    *((4, 0.5, 140), (5, 0.4, 160), (5, 0.5, 160), (6, 0.5, 200), (6, 0.6, 180), (7, 0.5, 240), (8, 0.6, 280)),
    *((8, 0.8, 220), (5, 0.35, 180)),
]
HEAVY_NOISE = 2.5
ABLATIONS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "width 160, 80 heads": {"d_model": 160, "n_heads": 80},
    "one head": {"n_heads": 1},
    "no attention": {"attention": False},
    "coupled": {"decoupled": False},
    "no cluster loss": {"cluster_loss": False},
    "no omic dropout": {"omic_keep": 1.0},
    "no feature dropout": {"feature_keep": 1.0},
    "Gaussian views": {"augmentation": "gaussian", "sigma": 1.0},
    "x / max|x|": {"normalization": "max"},
    "instance head": {"embedding": "instance"},
    "one restart": {"n_restarts": 1},
}
N_FITS = 5


def published(data: Path, setting: str) -> tuple[list[np.ndarray], np.ndarray]:
    """The omics and clusters of a published setting."""
    folder = data / "simulated" / setting
    tables = [pd.read_csv(folder / f"omics{m}.txt", sep="\t", index_col=0).T for m in (1, 2, 3)]
    clusters = pd.read_csv(folder / "clusters.txt", sep="\t").set_index("subjects")["cluster.id"]
    return [table.to_numpy() for table in tables], clusters.loc[tables[0].index].to_numpy()


def hard(data: Path, name: str) -> tuple[list[np.ndarray], np.ndarray]:
    """The omics and clusters of a hard set."""
    folder = data / "simulated_hard" / name
    clusters = pd.read_csv(folder / "clusters.tsv", sep="\t", index_col=0).iloc[:, 0]
    files = sorted(path for path in folder.iterdir() if path.name != "clusters.tsv")
    tables = [pd.read_csv(path, sep="\t", index_col=0).T for path in files]
    return [table.loc[clusters.index].to_numpy() for table in tables], clusters.to_numpy()


def drawn(data: Path, k: int, delta: float, n: int, seed: int) -> tuple[list[np.ndarray], np.ndarray]:
    """The omics and clusters of a fresh InterSIM draw of unequal clusters."""
    reference = read_reference(sorted((data / "mirror" / "intersim").glob("*.rda")))
    rng = np.random.default_rng(seed)
    draw = draw_intersim(reference, rng=rng, n_samples=n, n_clusters=k, proportions="heterogeneous", delta=delta)
    return [table.to_numpy() for table in draw.omics.values()], np.asarray(draw.clusters)


def cancer(data: Path, name: str, labels: pd.Series) -> tuple[list[np.ndarray], np.ndarray]:
    """The omics of a cancer of the mirror, of the patients that have all of them and a label. labels: by barcode."""

    def patient(barcode: str) -> str:
        return barcode.upper().replace(".", "-")[:12]

    with zipfile.ZipFile(data / "mirror" / "benchmark" / f"{name}.zip") as archive:
        tables = [pd.read_csv(archive.open(omic), sep=" ").T for omic in ("exp", "methy", "mirna")]
    tables = [table.set_axis(table.index.map(patient)) for table in tables]
    known = labels.dropna().rename(patient).groupby(level=0).first()
    common = [name for name in tables[0].index if all(name in table.index for table in (*tables[1:], known))]
    return [table.loc[common].to_numpy() for table in tables], known.loc[common].to_numpy()


def leukemia(data: Path) -> tuple[list[np.ndarray], np.ndarray]:
    """Expression of 24 ALL and 24 AML samples, log2 of values above 20."""
    table = pd.read_csv(data / "leukemia" / "Leukemia_hgu95av2.trim2.txt", sep="\t", index_col=0).T
    return [np.log2(table.clip(lower=20).to_numpy())], table.index.str[:3].to_numpy()


def real(data: Path, n_fits: int) -> Iterator[dict[str, Any]]:
    """Cohorts of known classes: integrated clusters of breast, expression subtypes of GBM, two leukemias."""
    folder = data / "labels"
    breast = pd.read_csv(folder / "breast_rjive_clusters.tsv", sep="\t", index_col=0).iloc[:, 0]
    gbm = pd.read_csv(folder / "gbm_subtypes.csv", encoding="utf-8-sig", index_col=0).iloc[:, 0]
    sources = {"breast": cancer(data, "breast", breast), "gbm": cancer(data, "gbm", gbm), "leukemia": leukemia(data)}
    yield from beside_rivals(sources, n_fits)


def beside_rivals(sources: dict[str, tuple[list[np.ndarray], np.ndarray]], n_fits: int) -> Iterator[dict[str, Any]]:
    """Full fits on every source, and three rivals, fitted once."""
    for name, (views, truth) in sources.items():
        rivals = {method: ari_of(views, truth, 0, method) for method in ("kmeans", "spectral", "snf")}
        yield fits_row(name, views, truth, n_fits) | rivals


def ari_of(views: list[np.ndarray], truth: np.ndarray, seed: int, method: str = "dmacl", **settings: Any) -> float:
    """ARI at the known k of k-means on a full fit."""
    k = len(set(truth))
    if METHODS[method].layer == "normalized":
        views = [zscore(view) for view in views]
    fitted = build(method, n_clusters=k, random_state=seed, **settings).fit(views)
    return adjusted_rand_score(truth, KMeans(k, n_init=50, random_state=0).fit_predict(fitted.embedding_))


def fits_row(name: str, views: list[np.ndarray], truth: np.ndarray, n_fits: int, **settings: Any) -> dict[str, Any]:
    """Mean and SD of the ARI over full fits, and their seconds."""
    started = time.perf_counter()
    found = [ari_of(views, truth, seed, **settings) for seed in range(n_fits)]
    seconds = (time.perf_counter() - started) / n_fits
    return {
        "set": name, "patients": len(truth), "k": len(set(truth)), "ari": np.mean(found), "sd": np.std(found),
        "lowest": min(found), "fits": n_fits, "seconds": seconds,
    }  # fmt: skip


def fits(data: Path, n_fits: int) -> Iterator[dict[str, Any]]:
    """Full fits on the published settings and on the hard sets."""
    for setting in SETTINGS:
        yield fits_row(setting, *published(data, setting), n_fits)
    for name in HARD:
        yield fits_row(name, *hard(data, name), n_fits)


def heavy_noise(data: Path, setting: str) -> tuple[list[np.ndarray], np.ndarray]:
    """A published setting, z-scored, under noise of HEAVY_NOISE standard deviations."""
    views, truth = published(data, setting)
    rng = np.random.default_rng(0)
    return [zscore(view) + HEAVY_NOISE * rng.normal(size=view.shape) for view in views], truth


def permuted(data: Path, n_omics: int) -> tuple[list[np.ndarray], np.ndarray]:
    """A fresh draw whose first omics say nothing: their patients are in another order."""
    views, truth = drawn(data, 5, 0.5, 160, seed=102)
    rng = np.random.default_rng(0)
    return [rng.permutation(view) if m < n_omics else view for m, view in enumerate(views)], truth


def draws(data: Path, n_fits: int) -> Iterator[dict[str, Any]]:
    """Full fits on fresh draws, under heavy noise and beside useless omics; and three rivals, fitted once."""
    sources = {
        f"k {k}, delta {delta}": drawn(data, k, delta, n, seed=100 + number)
        for number, (k, delta, n) in enumerate(DRAWS)
    }
    sources |= {
        f"{setting}, heavy noise": heavy_noise(data, setting)
        for setting in ("heterogeneous/15", "equal/10", "equal/15")
    }
    sources |= {f"{n_omics} of three omics permuted": permuted(data, n_omics) for n_omics in (1, 2)}
    yield from beside_rivals(sources, n_fits)


def missing(data: Path, n_fits: int) -> Iterator[dict[str, Any]]:
    """ARI lost when 30 % of the patients lose an omic, drawn at random."""
    for setting in SETTINGS:
        views, truth = published(data, setting)
        rng = np.random.default_rng(0)
        lacking = rng.permutation(len(truth))[: round(0.3 * len(truth))]
        for patient, omic in zip(lacking, rng.integers(len(views), size=len(lacking)), strict=True):
            views[omic][patient] = np.nan
        yield fits_row(setting, views, truth, n_fits)


def ablations(data: Path, n_fits: int) -> Iterator[dict[str, Any]]:
    """What each part of the recipe is worth, where there is room: under heavy noise and on the hardest draw."""
    for source, (views, truth) in {
        "heterogeneous/15, heavy noise": heavy_noise(data, "heterogeneous/15"),
        "k 5, delta 0.35": drawn(data, *DRAWS[-1], seed=100 + len(DRAWS) - 1),
    }.items():
        for name, changed in ABLATIONS.items():
            yield {"ablation": name} | fits_row(source, views, truth, n_fits, **changed)


def noise(n: int, widths: tuple[int, ...], seed: int = 0) -> list[np.ndarray]:
    """Omics without structure: time does not depend on it."""
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(n, width)).astype(np.float32) for width in widths]


def seconds_of_fit(views: list[np.ndarray], epochs: int, **settings: Any) -> float:
    """Seconds of a fit."""
    estimator = DMACL(5, epochs=epochs, device="cpu", **settings)
    started = time.perf_counter()
    estimator.fit(views)
    return time.perf_counter() - started


def seconds_per_epoch(views: list[np.ndarray], **settings: Any) -> float:
    """Seconds of an epoch alone: the difference of two trainings, so that what is done once cancels. Best of three."""
    seconds_of_fit(views, 3, **settings)
    short, long = (min(seconds_of_fit(views, epochs, **settings) for _ in range(3)) for epochs in (3, 23))
    return (long - short) / 20


def bare_epoch(n: int, width: int, *, n_restarts: int, d_model: int, n_heads: int, n_threads: int) -> float:
    """Seconds of an epoch of the network's products, forward and backward, and of Adam: no views, no losses."""
    torch.set_num_threads(n_threads)
    network = ContrastiveNetwork(
        n_replicas=n_restarts, n_features=width, d_model=d_model, n_heads=n_heads, n_instance=5, n_clusters=5,
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    batches = torch.randn(n_restarts, 2 * n, width).chunk(-(-n // 128), dim=1)

    def epoch() -> None:
        for batch in batches:
            z, c = network(batch)
            optimizer.zero_grad(set_to_none=True)
            (z.sum() + c.sum()).backward()
            optimizer.step()

    return _timed(epoch)


class NoisyPairs(Dataset):
    """Two noisy copies of a sample, made where a sample is asked for."""

    def __init__(self, x: torch.Tensor) -> None:
        self.x = x

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.x[i] + torch.randn_like(self.x[i]), self.x[i] + torch.randn_like(self.x[i])


def loader_epoch(n: int, width: int, *, d_model: int, n_heads: int, n_threads: int) -> float:
    """Seconds of an epoch with a loader's workers and noise drawn sample by sample, both views passed one by one."""
    torch.set_num_threads(n_threads)
    network = ContrastiveNetwork(
        n_replicas=1, n_features=width, d_model=d_model, n_heads=n_heads, n_instance=5, n_clusters=5,
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    optimizer = torch.optim.Adam(network.parameters())
    loader = DataLoader(NoisyPairs(torch.randn(n, width)), batch_size=128, shuffle=True, num_workers=2)

    def epoch() -> None:
        for first, second in loader:
            (z1, c1), (z2, c2) = network(first[None]), network(second[None])
            loss = (
                2 * decoupled_contrastive_loss(z1, z2, 0.5)
                + cluster_contrastive_loss(c1, c2, 1.0)
                + negative_assignment_entropy(c1, c2)
            )
            optimizer.zero_grad()
            loss.sum().backward()
            optimizer.step()

    return _timed(epoch)


def _timed(epoch: Any, repeats: int = 20) -> float:
    """Seconds of an epoch, best of three rows of them."""
    epoch()
    rows = []
    for _ in range(3):
        started = time.perf_counter()
        for _ in range(repeats):
            epoch()
        rows.append((time.perf_counter() - started) / repeats)
    return min(rows)


def speed() -> Iterator[dict[str, Any]]:
    """Seconds per epoch as ratios to a bare loop of the same products and to a loader with workers."""

    def ratio(what: str, seconds: float, to: str, reference: float) -> dict[str, Any]:
        return {"what": what, "seconds": seconds, "to": to, "ratio": seconds / reference}

    n, widths = 250, (367, 131, 160)
    views, total = noise(n, widths), sum(widths)
    small = {"d_model": 64, "n_heads": 8, "n_threads": 2}
    table_one = {"d_model": 160, "n_heads": 80, "n_threads": 2}
    faithful = {"normalization": "max", "rotate": False, "augmentation": "gaussian", "embedding": "instance"}
    for n_restarts in (12, 1):
        own = seconds_per_epoch(views, n_restarts=n_restarts, **small)
        bare = bare_epoch(n, total, n_restarts=n_restarts, **small)
        yield ratio(f"default, {n_restarts} restarts", own, "bare loop", bare)
    own = seconds_per_epoch(views, n_restarts=1, **faithful, **table_one)
    yield ratio("published", own, "bare loop", bare_epoch(n, total, n_restarts=1, **table_one))
    yield ratio("published", own, "loader with workers", loader_epoch(n, total, **table_one))
    for n_threads in (1, 2):
        full, one = (seconds_of_fit(views, 200, n_restarts=n_restarts, n_threads=n_threads) for n_restarts in (12, 1))
        yield ratio(f"full fit, {n_threads} thread(s)", full, "one restart", one)


def width() -> Iterator[dict[str, Any]]:
    """Growth with the number of features: 206 cells of 658, 10,000 and 256,276 features."""
    reference = None
    for widths in ((367, 131, 160), (5000, 5000), (49073, 207203)):
        views = noise(206, widths)
        seconds = seconds_of_fit(views, 200, n_threads=2)
        reference = reference or seconds
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        yield {"features": sum(widths), "seconds": seconds, "ratio": seconds / reference, "peak_gb": peak}


PARTS = {
    "fits": fits,
    "draws": draws,
    "real": real,
    "missing": missing,
    "ablations": ablations,
    "speed": speed,
    "width": width,
}
WITHOUT_DATA = ("speed", "width")


def main() -> None:
    """Run the parts named on the command line, or all; print each row, write results/bench/dmacl_{part}.tsv."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS))
    parser.add_argument("--data", type=Path, help="folder with simulated/, simulated_hard/ and mirror/intersim/")
    parser.add_argument("--fits", type=int, default=N_FITS, help="full fits per set")
    arguments = parser.parse_args()
    unknown = [part for part in arguments.parts if part not in PARTS]
    if unknown:
        sys.exit(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    for part in arguments.parts or PARTS:
        if part not in WITHOUT_DATA and arguments.data is None:
            print(f"{part}: left out, it needs --data")
            continue
        rows = []
        for row in PARTS[part]() if part in WITHOUT_DATA else PARTS[part](arguments.data, arguments.fits):
            rows.append(row)
            print(f"{part}: " + ", ".join(f"{name} {_text(value)}" for name, value in row.items()), flush=True)
        write_table(pd.DataFrame(rows), OUT / f"dmacl_{part}.tsv")


def _text(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
