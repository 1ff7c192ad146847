"""OpenAI's `/v1/chat/completions`: spoken by most clients and most upstreams."""
