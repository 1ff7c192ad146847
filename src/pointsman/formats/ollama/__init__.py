"""Ollama's own API: `/api/chat`, `/api/generate`, `/api/embed` and the models that it lists.

Its members are those of Ollama 0.35 (api/types.go, docs/openapi.yaml), older servers' and clients'
included.
"""
