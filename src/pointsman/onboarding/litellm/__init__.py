"""LiteLLM's `config.yaml`, taken over: deployments, aliases, and what has an equal here."""

from pointsman.onboarding.litellm.configuration import imported

__all__ = ["imported"]
