"""Authenticate and admit: who is asking, and may they."""
