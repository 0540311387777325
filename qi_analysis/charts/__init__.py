"""A chart table as a picture and as words."""
