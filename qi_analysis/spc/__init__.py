"""Control charts and funnels as numbers. Knows nothing of this project."""
