"""Sets: what only a whole series or study can show, measured on what was kept of each image on arrival."""
