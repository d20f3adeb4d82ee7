"""Values with a scale that is no power of two: kept aside until a quantiser takes it in."""
