"""The attacks of fleet-sync.md 5.7 and issue 6, one function each, in the order of the table."""

from tests.attacks.rows import files, older, others, roots, signatures

__all__ = ["files", "older", "others", "roots", "signatures"]
