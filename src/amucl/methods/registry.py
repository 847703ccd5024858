"""The registry of methods: a name in the configuration, the class behind it, its preset.

To add a method, write one class with scikit-learn's manners (hyperparameters in the constructor, `fit(views)`,
`embedding_`) and add one line here. `stage` names the rule that fits it: `train` (may use a GPU), `embed`, or
`lowrank` (also gives `affinity_` and its own `labels(k)`).
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

LIBRARY = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Method:
    """One entry: `module:Class`, the stage that fits it, preset hyperparameters, the cohort layer it learns from.

    `missing_omics`: it also learns from patients who lack an omic (rows of NaN); other methods leave them out.
    `eigenvectors`: its embedding has one eigenvector of a graph per cluster, whatever a dataset's `n_components` says.
    `inductive`: its saved model embeds new patients and tells which features it goes by.
    `examined`: its saved model tells how far the omics support its graph and the restarts one another.
    """

    estimator: str
    stage: str
    preset: dict[str, Any] = field(default_factory=dict)
    layer: str | None = "normalized"
    missing_omics: bool = False
    eigenvectors: bool = False
    inductive: bool = False
    examined: bool = False

    @property
    def module(self) -> str:
        """The module that holds the class."""
        return self.estimator.partition(":")[0]


DMACL = "amucl.methods.network.dmacl:DMACL"
PUBLISHED_DMACL = {
    "normalization": "max",
    "rotate": False,
    "augmentation": "gaussian",
    "sigma": 1.0,
    "embedding": "instance",
    "epochs": 500,
    "learning_rate": 3e-3,
    "cosine": False,
    "n_restarts": 1,
    "d_model": 160,
    "n_heads": 80,
}


def _autoencoders() -> dict[str, Method]:
    """The ten autoencoders of Leng et al.: lf encodes every omic and joins the codes, ef joins the omics first."""
    kinds = {
        "ae": {"kind": "plain"},
        "dae": {"kind": "denoising"},
        "vae": {"kind": "variational", "epochs": 300},
        "svae": {"kind": "stacked", "epochs": 300, "beta": 0.03},
        "mmdvae": {"kind": "mmd"},
    }
    fusions = {"lf": {"fusion": "late"}, "ef": {"fusion": "early"}}
    estimator = "amucl.methods.network.autoencoders:Autoencoder"
    return {
        f"{short}{suffix}": Method(estimator, "train", fusion | kind, layer=None)
        for suffix, kind in kinds.items()
        for short, fusion in fusions.items()
    }


METHODS = {
    "dmacl": Method(DMACL, "train", layer=None, missing_omics=True, inductive=True, examined=True),
    "dmacl-published": Method(DMACL, "train", PUBLISHED_DMACL, layer=None, inductive=True),
    "sglrr": Method("amucl.methods.lowrank.family:SGLRR", "lowrank"),
    "glrr": Method("amucl.methods.lowrank.family:GraphLRR", "lowrank"),
    "lrrsc": Method("amucl.methods.lowrank.family:LRRSC", "lowrank"),
    "lrr": Method("amucl.methods.lowrank.family:LRR", "lowrank"),
    "lrr-l21": Method("amucl.methods.lowrank.family:LRR", "lowrank", {"noise": "l21"}),
    "spectral": Method("amucl.methods.graph.spectral:Spectral", "embed", eigenvectors=True),
    **_autoencoders(),
    "snf": Method("amucl.methods.graph.snf:SNF", "embed", missing_omics=True, eigenvectors=True),
    "nmf": Method("amucl.methods.factor.nmf:NMF", "embed"),
    "intnmf": Method("amucl.methods.factor.nmf:IntNMF", "embed", layer=None),
    "mofa": Method("amucl.methods.factor.mofa:MOFA", "embed"),
    "pca": Method("amucl.methods.factor.pca:PCA", "embed"),
    "kmeans": Method("amucl.methods.factor.concatenation:Concatenation", "embed"),
}


def build(name: str, **parameters: Any):
    """The estimator of a method: its preset, overridden by `parameters`."""
    method = METHODS[name]
    module, _, class_name = method.estimator.partition(":")
    return getattr(import_module(module), class_name)(**{**method.preset, **parameters})


def load(name: str, path: str | Path):
    """The trained estimator of an inductive method as `save` wrote it, and omic -> its features."""
    module, _, class_name = METHODS[name].estimator.partition(":")
    return getattr(import_module(module), class_name).load(path)


def hyperparameters(name: str) -> dict[str, str]:
    """A method's hyperparameters and their type annotations, read from its source: importing it would cost seconds."""
    module, _, class_name = METHODS[name].estimator.partition(":")
    source = LIBRARY.parent.joinpath(*module.split(".")).with_suffix(".py").read_text(encoding="utf-8")
    classes = {node.name: node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}
    arguments = _constructor(class_name, classes).args
    return {argument.arg: ast.unparse(argument.annotation) for argument in arguments.args[1:] + arguments.kwonlyargs}


def settings_of(name: str, n_components: int | None) -> dict[str, Any]:
    """A method's preset, with the dimension a dataset asks for (None: the method's own) where it can choose one."""
    method = METHODS[name]
    chosen = n_components and not method.eigenvectors and "n_components" in hyperparameters(name)
    return method.preset | ({"n_components": n_components} if chosen else {})


def _constructor(class_name: str, classes: dict[str, ast.ClassDef]) -> ast.FunctionDef:
    """The constructor of a class, its own or the one it inherits from a class of the same module."""
    for node in classes[class_name].body:
        if getattr(node, "name", None) == "__init__":
            return node
    return _constructor(classes[class_name].bases[0].id, classes)
