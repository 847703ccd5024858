"""Looking through an HDF5 file before anything in it is read: what leads out of it, or claims too much, is refused.

HDF5 lets a dataset's values lie in any other file (external storage, virtual datasets, external links), calls plugins
for filters it does not know, and fills what was never stored: a file of 2 kB may claim 32 GB. See
https://docs.hdfgroup.org/hdf5/v1_14/_h5_d__u_g.html, sections 5.5 (storage) and 5.6 (filters).
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator

import h5py
import numpy as np

from amucl.errors import AmuclError

MAX_BYTES = 16 << 30
DEEPEST = 32
MOST_OBJECTS = 100_000

_VALUE_BYTES = 8  # of a number once it is read: omics become float64
_STRING_BYTES = 64
_UNSTORED_BYTES = 1 << 20  # so much may be claimed without being stored
_LARGEST_RATIO = 1100  # deflate never packs more tightly
_FILTERS = {
    h5py.h5z.FILTER_DEFLATE,
    h5py.h5z.FILTER_SHUFFLE,
    h5py.h5z.FILTER_FLETCHER32,
    h5py.h5z.FILTER_SZIP,
    h5py.h5z.FILTER_NBIT,
    h5py.h5z.FILTER_SCALEOFFSET,
    h5py.h5z.FILTER_LZF,
}
_ACTION = "use the file only if you trust it, and save it anew as one plain .h5mu"


def check_hdf5(path: str | os.PathLike, *, max_bytes: int = MAX_BYTES) -> None:
    """Refuse an HDF5 file that reaches outside itself or whose content would take more than `max_bytes` of memory.

    Only headers are looked at, no value is read. Links inside the file are followed once it is known that none leads
    out of it; an object that several lead to counts as often as it would be read.

    Raises
    ------
    AmuclError
        For links to other files, user-defined ones and those that lead nowhere; values that lie in other files
        (external storage, virtual datasets); filters that HDF5 does not bring; references to regions, datasets of
        references, values of variable length other than strings; groups nested deeper than `DEEPEST` (cycles are),
        more than `MOST_OBJECTS` objects; shapes that claim more than `max_bytes`, or than the file has.
    OSError
        If it is not an HDF5 file.
    """
    with h5py.File(path, "r") as handle:
        left = float(max_bytes)
        for n_objects, (where, node) in enumerate(_objects(handle, path), start=1):
            if n_objects > MOST_OBJECTS:
                raise _refused("too many objects in the HDF5 file", path, expected=f"at most {MOST_OBJECTS}")
            left -= _dataset_bytes(node, where) if isinstance(node, h5py.Dataset) else _dense_bytes(node, where)
            left -= sum(_attribute_bytes(node, name, where) for name in node.attrs)
            if left < 0:
                raise _refused("the HDF5 file claims to hold too much", where, expected=f"at most {max_bytes} bytes")


def _objects(handle: h5py.File, path: str | os.PathLike) -> Iterator[tuple[str, h5py.Group | h5py.Dataset]]:
    """Every group and dataset by every path that leads to it, depth first; by hard links before by symbolic ones."""
    stack: list[tuple[str, int, h5py.Group | h5py.Dataset]] = [("", 0, handle)]
    symbolic: list[tuple[str, int, h5py.Group, str]] = []
    while stack or symbolic:
        if not stack:
            where, depth, group, name = symbolic.pop()
            stack.append((where, depth, _led_to(group, name, f"{path}, {where}")))
        where, depth, node = stack.pop()
        place = f"{path}, {where or '/'}"
        if depth > DEEPEST:
            raise _refused("groups nested too deeply", path, expected=f"at most {DEEPEST} levels", got=where[:100])
        yield place, node
        stack += [(f"{where}@{name}", depth + 1, child) for name, child in _referred(handle, node, place)]
        for name in node if isinstance(node, h5py.Group) else ():
            child = f"{where}/{name}"
            if _is_symbolic(node, name, f"{path}, {child}"):
                symbolic.append((child, depth + 1, node, name))
            elif not isinstance(node[name], h5py.Datatype):
                stack.append((child, depth + 1, node[name]))


def _is_symbolic(group: h5py.Group, name: str, where: str) -> bool:
    kind = group.id.links.get_info(name.encode(errors="surrogateescape")).type
    if kind in (h5py.h5l.TYPE_HARD, h5py.h5l.TYPE_SOFT):
        return kind == h5py.h5l.TYPE_SOFT
    if kind == h5py.h5l.TYPE_EXTERNAL:
        raise _refused("a link to another file", where, got=group.get(name, getlink=True).filename)
    raise _refused("a user-defined link", where)


def _led_to(group: h5py.Group, name: str, where: str) -> h5py.Group | h5py.Dataset:
    try:
        return group[name]
    except (KeyError, RuntimeError, OSError) as error:  # the last two: a chain of links too long
        raise _refused("a link that leads nowhere", where) from error


def _referred(
    handle: h5py.File, node: h5py.Group | h5py.Dataset, where: str
) -> Iterator[tuple[str, h5py.Group | h5py.Dataset]]:
    """What attributes refer to: categories, in files of anndata before 0.7."""
    for name in node.attrs:
        kind = node.attrs.get_id(name).get_type()
        if kind.get_class() == h5py.h5t.REFERENCE:
            if not kind.equal(h5py.h5t.STD_REF_OBJ) or np.shape(node.attrs[name]) or not node.attrs[name]:
                raise _refused("a reference that is not to one object", f"{where}, attribute {name}")
            yield name, handle[node.attrs[name]]


def _dataset_bytes(dataset: h5py.Dataset, where: str) -> float:
    """What reading the dataset takes; its description is checked on the way."""
    plan, kind = dataset.id.get_create_plist(), dataset.id.get_type()
    if plan.get_external_count():
        raise _refused("the values lie in another file (external storage)", where, got=dataset.external[0][0])
    if plan.get_layout() == h5py.h5d.VIRTUAL:
        raise _refused("the values lie in other files (a virtual dataset)", where)
    filters = [plan.get_filter(number)[0] for number in range(plan.get_nfilters())]
    if unknown := [number for number in filters if number not in _FILTERS]:
        raise _refused(
            "a filter that HDF5 does not bring", where, got=f"filter {unknown[0]}", action="save it with gzip"
        )
    if kind.get_class() == h5py.h5t.REFERENCE:
        raise _refused("a dataset of references", where)
    n_values, stored = dataset.id.get_space().get_simple_extent_npoints(), dataset.id.get_storage_size()
    if n_values * kind.get_size() > max(_UNSTORED_BYTES, _LARGEST_RATIO * stored):
        raise _refused(
            "a dataset claims values that the file does not have",
            where,
            got=f"shape {dataset.shape}, {stored} bytes stored",
        )
    return n_values * _value_bytes(kind, where)


def _attribute_bytes(node: h5py.Group | h5py.Dataset, name: str, where: str) -> float:
    attribute = node.attrs.get_id(name)
    n_values = attribute.get_space().get_simple_extent_npoints()
    return n_values * _value_bytes(attribute.get_type(), f"{where}, attribute {name}")


def _dense_bytes(group: h5py.Group, where: str) -> float:
    """What a sparse matrix takes once it is dense, as the X of an omic becomes."""
    sizes = [group.attrs[name] for name in ("shape", "h5sparse_shape") if name in group.attrs]
    if not sizes or not where.endswith("/X"):
        return 0
    if np.asarray(sizes[0]).dtype.kind not in "iu":
        raise _refused("the shape of a sparse matrix is not whole numbers", where, got=sizes[0])
    return math.prod(abs(int(size)) for size in np.ravel(sizes[0])) * _VALUE_BYTES


def _value_bytes(kind: h5py.h5t.TypeID, where: str) -> int:
    """Bytes of one value in memory."""
    if kind.get_class() == h5py.h5t.VLEN:
        raise _refused("values of variable length that are not strings", where)
    if kind.get_class() == h5py.h5t.COMPOUND:
        return sum(_value_bytes(kind.get_member_type(number), where) for number in range(kind.get_nmembers()))
    least = _STRING_BYTES if kind.get_class() == h5py.h5t.STRING else _VALUE_BYTES
    return max(least, kind.get_size())


def _refused(what: str, where: object, *, action: str = _ACTION, **options: object) -> AmuclError:
    return AmuclError(what, where=where, action=action, **options)
