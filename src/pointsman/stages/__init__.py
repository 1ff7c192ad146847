"""The stages of a request at run time, and what goes on beside it."""
