"""Adapters of `ports.Provider`: one way each to reach a model."""
