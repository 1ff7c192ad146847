"""Receive and reply: HTTP in, HTTP out."""
