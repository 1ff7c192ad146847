"""What speaks against serving one prompt's reply for another, by rules and word lists."""

from pointsman.cache.guard.guard import Guard

__all__ = ["Guard"]
