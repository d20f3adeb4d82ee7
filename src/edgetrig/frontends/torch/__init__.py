"""PyTorch: live modules by way of `torch.export`; its files are pickles and are refused."""

from __future__ import annotations

from edgetrig.frontends.torch.read import read_file, read_model

__all__ = ["read_file", "read_model"]
