"""Signed content: who may say what runs on a box (The Update Framework), and the ways it comes."""
