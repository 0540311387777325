"""A release as HTML pages. Reaches no rows."""
