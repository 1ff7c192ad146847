"""Model weights on this machine: fetched, listed, removed."""

from pointsman.weights.catalogue import Kind, Member, Published, published_weights
from pointsman.weights.store import Weights, WeightsStore

__all__ = ["Kind", "Member", "Published", "Weights", "WeightsStore", "published_weights"]
