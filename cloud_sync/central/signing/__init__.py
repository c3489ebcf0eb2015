"""The QC group's hand: keys of people, and the repository of what they signed (The Update Framework)."""
