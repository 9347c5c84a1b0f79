"""Checkpoints in safetensors, as nnc writes and reads them: all tensors by name, and the place in the run as metadata."""
import json
import os
import struct
import tempfile
import zlib

import numpy as np
import torch

_NAMES = {torch.float32: "F32", torch.float16: "F16", torch.int32: "I32", torch.int64: "U32", torch.bool: "BOOL"}
_DTYPES = {"F32": np.float32, "F16": np.float16, "I32": np.int32, "U32": np.uint32, "BOOL": np.bool_}


def _digits(data):
    return format(zlib.crc32(data), "08x")


def _header(about, entries):
    text = json.dumps({"__metadata__": about, **entries}, separators=(",", ":"), ensure_ascii=False).encode()
    return text + b" " * (-len(text) % 8)


def save(path, tensors, metadata):
    """Written beside its place and renamed, so that a file is the old one or the new one."""
    entries, parts, at = {}, [], 0
    for name, tensor in tensors.items():
        array = tensor.detach().cpu().contiguous().numpy()
        if tensor.dtype == torch.int64:
            array = array.astype(np.uint32)
        data = array.tobytes()
        entries[name] = {"dtype": _NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [at, at + len(data)]}
        parts.append(data)
        at += len(data)
    crcs = {name: _digits(data) for name, data in zip(entries, parts)}
    about = {**metadata, "crc32": "00000000", "tensor_crc32": json.dumps(crcs, separators=(",", ":"))}
    about["crc32"] = _digits(_header(about, entries))
    header = _header(about, entries)
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=os.path.dirname(os.path.abspath(path)), suffix=".tmp")
    with os.fdopen(handle, "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        for data in parts:
            file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(aside, 0o644)
    os.replace(aside, path)


def load(path):
    """(tensors, metadata)"""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        array = np.frombuffer(data[start:end], dtype=_DTYPES[entry["dtype"]]).reshape(entry["shape"])
        if entry["dtype"] == "U32":
            array = array.astype(np.int64)
        tensors[name] = torch.from_numpy(array.copy())
    return tensors, metadata
