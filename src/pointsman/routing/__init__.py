"""Decide: facts in, plan out. Pure: no I/O, no clock, no randomness."""
