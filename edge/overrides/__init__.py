"""What a site changes in rules for itself, within the bounds that the rules allow."""
