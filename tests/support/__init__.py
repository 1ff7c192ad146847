"""Real processes for the tests: the gateway, and what stands behind it."""
