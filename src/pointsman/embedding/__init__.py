"""Embedders: what turns texts into vectors."""

from pointsman.embedding.minilm import MiniLM
from pointsman.embedding.remembering import Remembering
from pointsman.embedding.scripted import ScriptedEmbedder
from pointsman.embedding.upstream import UpstreamEmbedder

__all__ = ["MiniLM", "Remembering", "ScriptedEmbedder", "UpstreamEmbedder"]
