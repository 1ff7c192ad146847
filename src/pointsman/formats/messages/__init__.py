"""Anthropic's `/v1/messages`: spoken by Claude Code, by Anthropic's SDKs and by its own servers."""
