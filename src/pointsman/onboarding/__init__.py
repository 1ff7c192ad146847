"""The first run: what is found, or taken over from another router, becomes a configuration.

`trial` asks models and `writing` writes the file; all else is a matter of text.
"""
