"""What must come out, word for word: wire messages, and the verdicts of objects of known truth."""
