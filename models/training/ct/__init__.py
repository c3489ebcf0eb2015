"""CT series made worse in a known way, to see what the measures of the box say."""
