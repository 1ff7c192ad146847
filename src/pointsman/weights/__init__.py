"""Model weights on this machine: fetched, listed, removed."""

from pointsman.weights.catalogue import Published, published_weights
from pointsman.weights.store import Weights, WeightsStore

__all__ = ["Published", "Weights", "WeightsStore", "published_weights"]
