"""Projections of a labelled chest CT that look like radiographs: exact masks, exact points, known rotation."""
