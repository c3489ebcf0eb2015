"""Boxes that lack one of our rules, beside what tuf itself checks."""
