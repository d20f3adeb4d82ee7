"""Settings that all tests share."""

import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# A slow shared machine is no reason to fail a property; circuits take a while to draw.
_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
settings.register_profile("default", deadline=None, max_examples=50, suppress_health_check=_SLOW)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.fixture(autouse=True, scope="module")
def _forget_compiled_models() -> Iterator[None]:
    """Free what JAX compiled for the models of one file: it takes gigabytes over the suite."""
    yield
    if "jax" in sys.modules:
        sys.modules["jax"].clear_caches()
