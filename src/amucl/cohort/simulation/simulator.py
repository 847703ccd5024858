"""A small multi-omics cohort with planted subtypes, pathways and survival, for first runs and for tests.

The idea is InterSIM's: a subtype shifts methylation at some sites; the genes these sites silence change with them; and
the microRNAs that target those genes change against them. Values carry correlated noise, expression and microRNA come
as counts, and the tables have the blemishes of real ones: missing cells, constant features, a patient here and there
without one omic. What is planted is returned beside the data, so that a run can be checked against it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from amucl.errors import AmuclError

PROGRAMMES = (
    "inflammatory response",
    "cell cycle",
    "hypoxia",
    "lipid metabolism",
    "interferon signalling",
    "DNA repair",
    "angiogenesis",
    "apoptosis",
)


@dataclass(frozen=True)
class Simulation:
    """Size and difficulty of a simulated cohort.

    Parameters
    ----------
    n_samples, n_clusters : patients and subtypes.
    n_genes, n_sites, n_mirnas : features of expression, methylation and miRNA.
    effect : shift of an affected feature between subtypes, in standard deviations of its noise.
    pathway_size, n_background_sets : genes a subtype's programme changes; gene sets that mean nothing.
    missing_cells, missing_omic : share of methylation cells without a value, of patients without one of the omics.
    seed : of the generator; the same settings give the same cohort.
    """

    n_samples: int = 124
    n_clusters: int = 4
    n_genes: int = 600
    n_sites: int = 400
    n_mirnas: int = 150
    effect: float = 1.4
    pathway_size: int = 30
    n_background_sets: int = 40
    missing_cells: float = 0.01
    missing_omic: float = 0.03
    seed: int = 1


@dataclass(frozen=True)
class SimulatedCohort:
    """The tables of a simulated cohort, as a data provider would hand them over, and what was planted in them.

    omics : name -> DataFrame, features in rows and samples in columns. clinical : samples in rows, with the planted
    `subtype`, os_time (days), os_event, age, sex. go, pathways : gene set name -> genes. planted : subtype -> names of
    the sets planted in it.
    """

    omics: dict[str, pd.DataFrame]
    clinical: pd.DataFrame
    go: dict[str, list[str]]
    pathways: dict[str, list[str]]
    planted: pd.DataFrame


def simulate(settings: Simulation) -> SimulatedCohort:
    """Draw a cohort. Raises AmuclError where the settings cannot hold the planted structure."""
    _check(settings)
    rng = np.random.default_rng(settings.seed)
    samples = [f"SIM-{number:04d}" for number in range(1, settings.n_samples + 1)]
    genes = [f"GENE{number:04d}" for number in range(1, settings.n_genes + 1)]
    subtype = _subtypes(settings, rng)
    programme = np.array_split(
        rng.permutation(settings.n_genes)[: settings.n_clusters * settings.pathway_size], settings.n_clusters
    )

    gene_shift = np.zeros((settings.n_clusters, settings.n_genes))
    for cluster, members in enumerate(programme):
        gene_shift[cluster, members] = settings.effect

    gene_of_site = rng.integers(settings.n_genes, size=settings.n_sites)
    silenced = np.concatenate(programme)[::2]
    gene_of_site[: len(silenced)] = silenced
    target_of_mirna = rng.permutation(settings.n_genes)[: settings.n_mirnas]
    target_of_mirna[: settings.n_clusters * 8] = np.concatenate([members[:8] for members in programme])

    expression = gene_shift[subtype] + _correlated_noise(settings.n_samples, settings.n_genes, rng)
    methylation = -gene_shift[subtype][:, gene_of_site] + _correlated_noise(settings.n_samples, settings.n_sites, rng)
    mirna = -gene_shift[subtype][:, target_of_mirna] + _correlated_noise(settings.n_samples, settings.n_mirnas, rng)

    omics = {
        "expression": _counts(expression, samples, genes, rng),
        "methylation": _betas(methylation, samples, [f"cg{site:08d}" for site in range(1, settings.n_sites + 1)], rng),
        "mirna": _counts(mirna, samples, [f"hsa-mir-{number}" for number in range(1, settings.n_mirnas + 1)], rng),
    }
    _blemish(omics, settings, rng)
    names = [
        PROGRAMMES[cluster % len(PROGRAMMES)] + ("" if cluster < len(PROGRAMMES) else f" {cluster}")
        for cluster in range(settings.n_clusters)
    ]
    go, pathways, planted = _gene_sets(settings, genes, programme, names, rng)
    return SimulatedCohort(omics, _clinical(settings, samples, subtype, rng), go, pathways, planted)


def _check(settings: Simulation) -> None:
    limits = {
        "n_samples": (6, None),
        "n_clusters": (2, settings.n_samples // 3),
        "pathway_size": (8, None),
        "n_genes": (settings.n_clusters * settings.pathway_size, None),
        "n_sites": (settings.n_clusters * settings.pathway_size, None),
        "n_mirnas": (settings.n_clusters * 8, settings.n_genes),
    }
    for name, (lowest, highest) in limits.items():
        value = getattr(settings, name)
        if value < lowest or (highest is not None and value > highest):
            wanted = f"at least {lowest}" if highest is None else f"{lowest} to {highest}"
            raise AmuclError(
                "a simulated cohort of this size cannot hold its planted structure",
                where=name,
                expected=wanted,
                got=value,
                action="change it in the dataset's entry",
            )


def _subtypes(settings: Simulation, rng: np.random.Generator) -> np.ndarray:
    """Planted subtype of every sample, 0-based: sizes fall gently, as real ones do, none under two thirds of even."""
    weights = np.linspace(1.3, 0.7, settings.n_clusters)
    sizes = np.floor(weights / weights.sum() * settings.n_samples).astype(int)
    sizes[0] += settings.n_samples - sizes.sum()
    return rng.permutation(np.repeat(np.arange(settings.n_clusters), sizes))


def _correlated_noise(n_samples: int, n_features: int, rng: np.random.Generator, n_factors: int = 5) -> np.ndarray:
    """Unit-variance noise, a third of it shared between features through a few factors that know no subtype."""
    factors = rng.normal(size=(n_samples, n_factors)) @ rng.normal(size=(n_factors, n_features)) / np.sqrt(n_factors)
    return np.sqrt(1 / 3) * factors + np.sqrt(2 / 3) * rng.normal(size=(n_samples, n_features))


def _counts(values: np.ndarray, samples: list[str], features: list[str], rng: np.random.Generator) -> pd.DataFrame:
    """log2 values to whole counts around a base level per feature; features in rows."""
    base = rng.uniform(6, 11, size=values.shape[1])
    return pd.DataFrame(np.round(2 ** (base + 0.8 * values)).T, index=features, columns=samples)


def _betas(values: np.ndarray, samples: list[str], features: list[str], rng: np.random.Generator) -> pd.DataFrame:
    """M values to methylation levels between 0 and 1; features in rows."""
    base = rng.choice([-2.0, 0.0, 2.0], size=values.shape[1])
    return pd.DataFrame((1 / (1 + np.exp(-(base + 0.8 * values)))).round(6).T, index=features, columns=samples)


def _blemish(omics: dict[str, pd.DataFrame], settings: Simulation, rng: np.random.Generator) -> None:
    """Constant features, missing cells, patients without an omic: what preprocessing has to survive."""
    omics["expression"].iloc[-2:] = 0
    omics["mirna"].iloc[-1] = 0
    methylation = omics["methylation"]
    omics["methylation"] = methylation.mask(rng.random(methylation.shape) < settings.missing_cells)
    without = rng.permutation(settings.n_samples)[: round(settings.missing_omic * settings.n_samples)]
    for number, sample in enumerate(sorted(without)):
        name = list(omics)[number % len(omics)]
        omics[name] = omics[name].drop(columns=omics[name].columns[omics[name].columns == f"SIM-{sample + 1:04d}"])


def _clinical(settings: Simulation, samples: list[str], subtype: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Exponential survival whose hazard doubles from subtype to subtype over a factor of eight, censored at random."""
    hazard = 1 / 2500 * 8 ** (subtype / max(settings.n_clusters - 1, 1))
    death, censoring = rng.exponential(1 / hazard), rng.uniform(300, 4000, size=settings.n_samples)
    return pd.DataFrame(
        {
            "subtype": [f"S{cluster + 1}" for cluster in subtype],
            "os_time": np.minimum(death, censoring).round().astype(int),
            "os_event": (death <= censoring).astype(int),
            "age": rng.normal(60, 10, size=settings.n_samples).round().astype(int),
            "sex": rng.choice(["female", "male"], size=settings.n_samples),
        },
        index=pd.Index(samples, name="sample"),
    )


def _gene_sets(
    settings: Simulation,
    genes: list[str],
    programme: list[np.ndarray],
    names: list[str],
    rng: np.random.Generator,
) -> tuple[dict[str, list[str]], dict[str, list[str]], pd.DataFrame]:
    """GO-like terms (two thirds of a programme), pathways (all of it), both with some strangers, and random sets."""

    def mixed(members: np.ndarray) -> list[str]:
        strangers = rng.choice(settings.n_genes, size=max(len(members) // 4, 1), replace=False)
        return sorted({genes[gene] for gene in np.concatenate([members, strangers])})

    def background() -> list[str]:
        size = rng.integers(15, 2 * settings.pathway_size)
        return sorted(genes[gene] for gene in rng.choice(settings.n_genes, size=size, replace=False))

    go, pathways, planted = {}, {}, []
    for cluster, (members, name) in enumerate(zip(programme, names, strict=True)):
        term, pathway = f"{name} (SIM:{cluster + 1:04d})", f"SIMULATED_{name.upper().replace(' ', '_')}"
        go[term] = mixed(members[: max(len(members) * 2 // 3, 8)])
        pathways[pathway] = mixed(members)
        planted += [(f"S{cluster + 1}", "go", term), (f"S{cluster + 1}", "pathways", pathway)]
    for number in range(1, settings.n_background_sets + 1):
        go[f"background process {number} (SIM:{1000 + number})"] = background()
        pathways[f"SIMULATED_BACKGROUND_{number}"] = background()
    return go, pathways, pd.DataFrame(planted, columns=["subtype", "collection", "term"])
