"""Back into a closed console: a taught sequence of clicks and keys, each made only where it was seen to fit."""
