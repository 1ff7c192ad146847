"""Record: what a request used, what that cost, and how it ended."""
