"""Packs made from a published review and the team's record."""
