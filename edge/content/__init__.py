"""Signed content on the box: what judges, what is on its way, and how a bad release is taken back by itself."""
