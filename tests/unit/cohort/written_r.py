"""Small R files for the tests: what R's saveRDS and save write of a named matrix, a named vector or a data frame."""

import numpy as np
import pandas as pd
import rdata
from rdata.conversion.to_r import DEFAULT_CLASS_MAP, build_r_object
from rdata.parser import RObjectType


def write_rds(path, value):
    """A DataFrame of one type is written as a matrix with dimnames, one of mixed types as a data.frame."""
    rdata.write_rds(path, _as_r(value), constructor_dict=CONSTRUCTORS)


def write_rda(path, **values):
    rdata.write_rda(path, {name: _as_r(value) for name, value in values.items()}, constructor_dict=CONSTRUCTORS)


class _Named:
    def __init__(self, values, attributes):
        self.values, self.attributes = values, attributes


def _as_r(value):
    if isinstance(value, pd.Series):
        return _Named(value.to_numpy(), {"names": value.index.to_numpy(str)})
    if isinstance(value, pd.DataFrame) and value.to_numpy().dtype.kind in "if":
        dimnames = [value.index.to_numpy(str), value.columns.to_numpy(str)]
        return _Named(value.to_numpy(), {"dim": np.array(value.shape, np.int32), "dimnames": dimnames})
    return value


def _construct(named, converter):
    values = np.asarray(named.values)
    kind = RObjectType.INT if values.dtype.kind == "i" else RObjectType.REAL
    flat = values.ravel(order="F").astype(np.int32 if kind is RObjectType.INT else np.float64)
    return build_r_object(kind, value=flat, attributes=converter.convert_to_r_attributes(named.attributes))


CONSTRUCTORS = {**DEFAULT_CLASS_MAP, _Named: _construct}
