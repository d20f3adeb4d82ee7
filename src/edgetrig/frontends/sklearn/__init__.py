"""scikit-learn's models: trees, networks, densities, models of models, and what stands before them.

`read` opens pipelines and searches. `columnwise` and `preparation` know transformers of single
columns, `thresholds` moves a forest's comparisons in front of them, `transformers` adds those that
mix columns. `networks`, `distances` and `ensembles` add models as steps, which `builder` collects.
"""

from edgetrig.frontends.sklearn.read import read_model

__all__ = ["read_model"]
