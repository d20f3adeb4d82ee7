"""scikit-learn's models: trees, linear models and small networks, with what stands before them.

`read` opens pipelines and searches, `preparation` knows the transformers, `thresholds` moves a
forest's comparisons in front of them, and `networks` writes linear models and perceptrons as steps.
"""

from edgetrig.frontends.sklearn.read import read_model

__all__ = ["read_model"]
