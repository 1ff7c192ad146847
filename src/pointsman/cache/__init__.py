"""Look up: a reply that was given before, where it would be the right one again."""
