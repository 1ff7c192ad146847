"""Pointsman: an LLM router."""
