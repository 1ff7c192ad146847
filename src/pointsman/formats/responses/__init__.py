"""OpenAI's `/v1/responses`: spoken by Codex, by the AI SDK's default provider and by few upstreams."""
