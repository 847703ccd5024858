"""AMUCL: cancer subtypes from multi-omics data. The library behind the workflow's rules."""

__version__ = "0.1.0"
