"""The rows of a data set as training reads them: split, and with the fitted stages of every field applied."""
import os

import torch

from . import checkpoint


_FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data")


def start():
    """The file with the values that parameters start from, where they come from a file."""
    path = os.path.join(_FOLDER, "start.safetensors")
    return path if os.path.exists(path) else None


def load(name, fields):
    """{"train": {field: rows}, "val": ..., "test": ...} and how many rows each part has; parts without rows are left out."""
    tensors, _ = checkpoint.load(os.path.join(_FOLDER, f"{name}.safetensors"))
    device = torch.get_default_device()
    parts, counts = {}, {}
    for key, rows in tensors.items():
        part, field = key.split("/", 1)
        counts[part] = len(rows)
        own = parts.setdefault(part, {})
        if field in fields:
            own[field] = rows.to(device)
    return parts, counts
