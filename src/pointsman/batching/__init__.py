"""OpenAI's Batch API: files of requests that are answered in their own time."""
