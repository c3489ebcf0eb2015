"""What an evaluation says: values, statistics with confidence intervals, plots, one HTML page."""
