"""OpenAI's legacy `/v1/completions`: editors' autocompletion, and scripts from before chat."""
