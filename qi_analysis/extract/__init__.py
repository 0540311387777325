"""From files in data/raw to canonical tables, every row accounted for."""
