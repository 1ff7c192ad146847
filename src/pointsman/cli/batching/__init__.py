"""`pointsman batch`: every row of a file answered, once, however often it is started anew."""

from pointsman.cli.batching.command import batch

__all__ = ["batch"]
