"""Google's native generateContent and streamGenerateContent: for upstreams only."""
