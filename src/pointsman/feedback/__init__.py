"""Feedback: what users say of replies."""
