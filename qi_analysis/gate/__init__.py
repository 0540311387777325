"""Reads a finished page and must say yes before it gets its name."""
