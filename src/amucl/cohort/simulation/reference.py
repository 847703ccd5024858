"""The parameters InterSIM draws from, as its R package ships them (CRAN, GPL): read at run time, not shipped here."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray

from amucl.cohort.cohort import RawCohort, assemble
from amucl.cohort.readers.archives import read_tar
from amucl.cohort.readers.rfiles import named_matrix, parse_rda
from amucl.cohort.readers.text import check_ids
from amucl.cohort.simulation.intersim import OBJECTS, Draw, Reference, draw_intersim
from amucl.errors import AmuclError, some
from amucl.files import require_file

MAX_BYTES = 1 << 26


def read_reference(files: Sequence[str | os.PathLike]) -> Reference:
    """Read the parameters from the package's archive (.tar.gz), or from one .rda file for each of `OBJECTS`.

    Expression follows methylation, protein follows expression: their means are rho * m + sqrt(1 - rho^2) * mean, m the
    gene's mean M value (a protein: its gene's mean expression) and rho their correlation.

    Raises
    ------
    AmuclError : a file is missing, damaged or no file of R; an object is missing, has other features than those that it
        goes with, or holds what cannot be a mean, a covariance, a correlation or a map.
    """
    objects = _objects(files)
    means = {
        "methylation": objects.vector("mean.M"),
        "expression": objects.combined("mean.expr", "methyl.gene.level.mean", "rho.methyl.expr"),
        "protein": objects.combined("mean.protein", "mean.expr.with.mapped.protein", "rho.expr.protein"),
    }
    names = {"methylation": "cov.M", "expression": "cov.expr", "protein": "cov.protein"}
    covariances = {omic: objects.covariance(name, means[omic].index) for omic, name in names.items()}
    genes = means["expression"].index
    gene_of = {
        "methylation": objects.genes("CpG.gene.map.for.DEG", "tmp.gene", means["methylation"].index, genes),
        "protein": objects.genes("protein.gene.map.for.DEP", "gene", means["protein"].index, genes),
    }
    return Reference(means, covariances, gene_of)


def read_intersim(entry: Mapping[str, Any], omics: Sequence[str], files: Sequence[str | os.PathLike]) -> RawCohort:
    """Draw the cohort of a dataset's entry, as `draw_intersim` does with a generator of the entry's `seed`.

    The clinical column ``cluster`` holds the planted cluster. ``var`` tells each feature's gene and, in
    ``differential_in``, the clusters it is differential in: ``1;4``.
    """
    reference = read_reference(files)
    settings = {name: entry[name] for name in ("n_samples", "n_clusters", "proportions", "delta", "p_dmp")}
    draw = draw_intersim(reference, rng=np.random.default_rng(entry["seed"]), **settings)
    return assemble(
        {omic: draw.omics[omic] for omic in omics},
        clinical=draw.clusters.to_frame(),
        var={omic: _annotation(omic, draw, reference) for omic in omics},
    )


def _annotation(omic: str, draw: Draw, reference: Reference) -> pd.DataFrame:
    planted = draw.planted[omic]
    clusters = [";".join(str(cluster) for cluster in row.index[row]) for _, row in planted.iterrows()]
    gene = reference.gene_of[omic].loc[planted.index].to_numpy() if omic in reference.gene_of else planted.index
    return pd.DataFrame({"gene": gene, "differential_in": clusters}, index=planted.index, dtype="category")


def _objects(files: Sequence[str | os.PathLike]) -> _Objects:
    if len(files) == 1:
        contents = read_tar(files[0], [f"data/{name}.rda" for name in OBJECTS], max_bytes=MAX_BYTES)
        places = {name: f"{files[0]}:data/{name}.rda" for name in OBJECTS}
        return _Objects({name: contents[f"data/{name}.rda"] for name in OBJECTS}, places)
    given = {Path(file).name.removesuffix(".rda"): file for file in files}
    lacking = [name for name in OBJECTS if name not in given]
    if lacking:
        raise AmuclError("a file of InterSIM's parameters is missing", expected=f"{lacking[0]}.rda", got=some(given))
    contents = {name: require_file(given[name], purpose="InterSIM parameters").read_bytes() for name in OBJECTS}
    return _Objects(contents, {name: str(given[name]) for name in OBJECTS})


class _Objects:
    """The R objects by name, checked as they are taken."""

    def __init__(self, contents: Mapping[str, bytes], places: Mapping[str, str]) -> None:
        self.places, self._values = places, {}
        for name, content in contents.items():
            objects = parse_rda(content, places[name], max_bytes=MAX_BYTES)
            if name not in objects:
                raise AmuclError("the R file lacks its object", where=places[name], expected=name, got=some(objects))
            self._values[name] = objects[name]

    def vector(self, name: str) -> pd.Series:
        """A named vector of finite numbers."""
        value = self._values[name]
        if not (isinstance(value, xarray.DataArray) and value.ndim == 1 and value.coords):
            raise AmuclError("not a vector with names", where=self.places[name])
        (dimension,) = value.dims
        vector = pd.Series(value.to_numpy().astype(np.float64), value.coords[dimension].to_numpy().astype(object))
        check_ids(vector.index, "feature", self.places[name])
        self._require_finite(name, vector.to_numpy())
        return vector

    def combined(self, own: str, other: str, correlation: str) -> pd.Series:
        """rho * other + sqrt(1 - rho^2) * own."""
        mean, driver, rho = (self.vector(name) for name in (own, other, correlation))
        self._require_names(other, driver.index, mean.index)
        self._require_names(correlation, rho.index, mean.index)
        if rho.abs().max() > 1:
            raise AmuclError("not a correlation", where=f"{self.places[correlation]}, {rho.abs().idxmax()}")
        return rho * driver + np.sqrt(1 - rho**2) * mean

    def covariance(self, name: str, features: pd.Index) -> np.ndarray:
        """A covariance of `features`, in their order."""
        table = named_matrix(self._values[name], self.places[name], kinds=("row", "column"))
        for names in (table.index, table.columns):
            self._require_names(name, names, features)
        values = table.to_numpy(np.float64)
        self._require_finite(name, values)
        try:
            np.linalg.cholesky(values)
        except np.linalg.LinAlgError as error:
            raise AmuclError("not a covariance: it is not positive definite", where=self.places[name]) from error
        return values

    def genes(self, name: str, column: str, features: pd.Index, genes: pd.Index) -> pd.Series:
        """Gene of each feature: `column` of a data frame whose row names are the features."""
        table = self._values[name]
        if not isinstance(table, pd.DataFrame) or column not in table:
            raise AmuclError("not a map to genes", where=self.places[name], expected=f"a data frame with {column}")
        mapped = table[column].astype(object)
        lacking = features.difference(mapped.index)
        unknown = mapped[~mapped.isin(genes)]
        if len(lacking) or len(unknown):
            which = (
                f"no gene for {some(lacking)}" if len(lacking) else f"{some(unknown)}, of which no expression is known"
            )
            raise AmuclError("the map to genes does not fit", where=self.places[name], got=which)
        return mapped.loc[features]

    def _require_names(self, name: str, names: pd.Index, wanted: pd.Index) -> None:
        if list(names) != list(wanted):
            place = self.places[name]
            raise AmuclError("other features than the means have", where=place, expected=some(wanted), got=some(names))

    def _require_finite(self, name: str, values: np.ndarray) -> None:
        if not np.isfinite(values).all():
            raise AmuclError("a missing or infinite value", where=self.places[name], expected="finite numbers")
