"""What operators see: the decision log."""
