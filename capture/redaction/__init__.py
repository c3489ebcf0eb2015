"""Pictures on their way out: what of them may leave the site, and what is covered first."""
