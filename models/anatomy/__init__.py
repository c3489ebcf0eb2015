"""Geometry of a radiograph from what networks find in it."""
