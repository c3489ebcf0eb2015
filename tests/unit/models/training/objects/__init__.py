"""Objects drawn and laid into films."""
