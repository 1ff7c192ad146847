"""Where the books are kept: adapters of `ports.Ledger` and `ports.FeedbackStore`.

`sqlite.SqliteStore` is the embedded default, `memory.MemoryStore` its twin for tests and trials.
"""
