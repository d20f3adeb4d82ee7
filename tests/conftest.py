"""Settings that all tests share."""

import os

from hypothesis import HealthCheck, settings

# A slow shared machine is no reason to fail a property; circuits take a while to draw.
_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
settings.register_profile("default", deadline=None, max_examples=50, suppress_health_check=_SLOW)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")
