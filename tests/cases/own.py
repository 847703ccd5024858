"""A user's own files on the way that the workflow takes them: configuration, reading, preparing, clustering, clinic."""

from functools import cached_property
from pathlib import Path

import pandas as pd

from amucl.biology.clinic import clinic
from amucl.clustering.external import ari
from amucl.clustering.kmeans import kmeans_restarts, labels_over_k
from amucl.cohort.cohort import about, truth, views
from amucl.cohort.preparation.preprocess import preprocess
from amucl.cohort.sources.registry import preprocessing_of, read_source
from amucl.config import load_registry, resolve
from amucl.methods.registry import METHODS, build
from tests.shared import REPOSITORY

QUICK = {"dmacl": {"epochs": 60, "n_restarts": 2}}


class Own:
    """A dataset of source `files` in a folder.

    entry : as in the configuration, its paths below the folder. run : further keys of the configuration.
    """

    def __init__(self, folder: Path, entry: dict, run: dict | None = None) -> None:
        self.folder = folder
        self.entry = self._below_folder({"source": "files", **entry})
        self.run = run or {}

    @cached_property
    def prepared(self):
        """What preprocessing makes of it."""
        registry = load_registry(REPOSITORY / "config" / "datasets.yaml")
        config = resolve({"methods": ["pca"], "biology": [], **self.run, "datasets": {"mine": self.entry}}, registry)
        complete = config["datasets"]["mine"]
        files = {"omics": list(complete["omics"].values())}
        files |= {"clinical": complete["clinical"]} if complete["clinical"] else {}
        return preprocess(
            read_source(complete, list(complete["omics"]), files), preprocessing_of(complete), dataset="mine"
        )

    @property
    def cohort(self):
        """The prepared cohort."""
        return self.prepared.cohort

    @property
    def notes(self) -> dict[str, str]:
        """Kind of note -> its lines."""
        kinds = dict.fromkeys(note.what for note in self.prepared.notes)
        return {kind: "\n".join(note.line for note in self.prepared.notes if note.what == kind) for kind in kinds}

    def clusters(self, method: str = "pca", k: int = 4) -> pd.Series:
        """The patients' clusters by a method of the registry."""
        accepts = METHODS[method].missing_omics
        arrays, _, samples, _ = views(self.cohort, layer=METHODS[method].layer, complete=not accepts)
        fitted = build(method, n_clusters=k, random_state=1, n_threads=1, **QUICK.get(method, {})).fit(arrays)
        embedding = pd.DataFrame(fitted.embedding_, index=samples)
        return labels_over_k(kmeans_restarts(embedding, [k], n_restarts=50, seed=1), embedding.index)[f"k{k}"]

    def ari(self, known: pd.Series | None = None, method: str = "pca", k: int = 4) -> float:
        """Agreement of the clusters with known classes: those of the truth column, or `known` by patient."""
        found = self.clusters(method, k)
        known = truth(self.cohort, found.index) if known is None else known.reindex(found.index)
        both = known.notna()
        return float(ari(found[both], known[both]))

    def clinic(self, k: int, method: str = "pca", clinical_labels: list[str] | None = None) -> dict[str, pd.DataFrame]:
        """The tables of survival, outcome and clinical labels of a method's clusters."""
        found = self.clusters(method, k).to_frame(f"k{k}")
        return clinic(
            "mine",
            method,
            self.cohort.obs.loc[found.index],
            found,
            clinical_labels=clinical_labels,
            technical=about(self.cohort)["technical"],
            seed=1,
            max_permutations=2000,
        )

    def _below_folder(self, entry: dict) -> dict:
        entry = dict(entry)
        entry["omics"] = {omic: str(self.folder / path) for omic, path in entry["omics"].items()}
        if "clinical" in entry:
            entry["clinical"] = str(self.folder / entry["clinical"])
        return entry
