"""The synthetic extract."""
