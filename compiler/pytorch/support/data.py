"""The rows of a data set as training reads them: split, and with the fitted stages of every field applied."""
import os

import torch

from . import checkpoint


def load(name, fields):
    """{"train": {field: rows}, "val": ..., "test": ...}; parts without rows are left out."""
    folder = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data")
    tensors, _ = checkpoint.load(os.path.join(folder, f"{name}.safetensors"))
    device = torch.get_default_device()
    parts = {}
    for key, rows in tensors.items():
        part, field = key.split("/", 1)
        if field in fields:
            parts.setdefault(part, {})[field] = rows.to(device)
    return parts
