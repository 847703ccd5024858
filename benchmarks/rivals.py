"""Our rivals beside the embeddings that Leng et al. published: `python -m benchmarks.rivals --data ../shared/data`.

On the six published simulated settings, at the true number of clusters: ARI of k-means on the embedding, and the
silhouette of those clusters in it. `dim` is the embedding's dimension.
"""

from __future__ import annotations

import argparse
import logging
import time
from pathlib import Path

import pandas as pd

from amucl.clustering.external import ari
from amucl.clustering.indices import silhouette
from amucl.clustering.kmeans import kmeans_restarts
from amucl.cohort.cohort import views
from amucl.cohort.preparation.preprocess import Preprocessing, preprocess
from amucl.cohort.sources.published import read_published
from amucl.comparison.peers import SIMULATED, peer_truth, read_peers
from amucl.config import INTERSIM_FILES
from amucl.methods.registry import METHODS, build

N_RESTARTS = 100
# Leng et al. publish no late VAE or SVAE, and one mmdVAE: encoders per omic, one shared code.
PUBLISHED = {
    **{"lfae": "published-lfAE", "efae": "published-efAE", "lfdae": "published-lfDAE", "efdae": "published-efDAE"},
    **{"efvae": "published-efVAE", "efsvae": "published-efSVAE", "lfmmdvae": "published-mmdVAE"},
    "efmmdvae": "published-mmdVAE",
}
DEFAULT = [name for name in METHODS if "ae" in name] + ["snf", "nmf", "intnmf"]


def setting(data: Path, name: str):
    """One published setting, prepared as the pipeline prepares it: cohort, true clusters."""
    folder = data / "simulated" / name.replace("_", "/")
    omics = {omic: folder / file for omic, file in INTERSIM_FILES.items() if omic != "clinical"}
    prepared = preprocess(read_published(omics, folder / INTERSIM_FILES["clinical"]), Preprocessing(truth="cluster"))
    return prepared.cohort, prepared.cohort.obs["cluster"].astype(int).to_numpy()


def score(embedding, truth) -> dict[str, float]:
    """ARI and silhouette of k-means at the true k."""
    k = len(set(truth))
    labels = kmeans_restarts(embedding, [k], n_restarts=N_RESTARTS, seed=1)[k].best
    return {"ari": ari(labels, truth), "silhouette": silhouette(embedding, labels), "dim": embedding.shape[1]}


def score_methods(data: Path, methods: list[str], seeds: list[int]) -> pd.DataFrame:
    """A row per setting, method and seed."""
    rows = []
    for name in SIMULATED:
        cohort, truth = setting(data, name)
        for method in methods:
            arrays = views(cohort, layer=METHODS[method].layer)[0]
            for seed in seeds:
                began = time.perf_counter()
                fitted = build(method, n_clusters=len(set(truth)), random_state=seed).fit(arrays)
                seconds = time.perf_counter() - began
                scores = score(fitted.embedding_, truth)
                rows.append({"setting": name, "method": method, "seed": seed, "seconds": seconds} | scores)
    return pd.DataFrame(rows)


def score_published(data: Path) -> pd.DataFrame:
    """A row per setting and published embedding."""
    rows = []
    for name in SIMULATED:
        truth = peer_truth(data / "peers", name).to_numpy()
        for method, embedding in read_peers(data / "peers", name).items():
            rows.append({"setting": name, "method": method} | score(embedding.to_numpy(), truth))
    return pd.DataFrame(rows)


def compared(ours: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """A row per method: means over seeds for every setting, ARI / silhouette, and those of its published embedding."""
    rows = []
    for method, own in ours.groupby("method", sort=False):
        theirs = published[published["method"] == PUBLISHED.get(method)]
        for who, table in {method: own, f"- {PUBLISHED.get(method)}": theirs}.items():
            if table.empty:
                continue
            means = table.groupby("setting", sort=False)[["ari", "silhouette"]].mean()
            row = {"method": who} | {
                name: f"{values['ari']:.3f} / {values['silhouette']:.2f}" for name, values in means.iterrows()
            }
            row["mean"] = f"{means['ari'].mean():.3f} / {means['silhouette'].mean():.2f}"
            rows.append(row | {"seconds": f"{table['seconds'].mean():.1f}" if "seconds" in table else "-"})
    return pd.DataFrame(rows)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with simulated/ and peers/")
    parser.add_argument("--methods", nargs="+", default=DEFAULT, choices=list(METHODS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[1])
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    table = compared(score_methods(given.data, given.methods, given.seeds), score_published(given.data))
    print(table.to_markdown(index=False, disable_numparse=True))


if __name__ == "__main__":
    main()
