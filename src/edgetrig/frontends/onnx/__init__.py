"""ONNX and QONNX models, as PyTorch, Brevitas, Keras and scikit-learn export them.

A file is parsed by the ``onnx`` package; nothing in it is executed, and no data outside its own
folder is read. The values are those of the operators' definitions, wherever float32 arithmetic on
them is exact; `docs/onnx.md` states the rule for scales that are no powers of two.
"""

from edgetrig.frontends.onnx.read import read_file, read_model

__all__ = ["read_file", "read_model"]
