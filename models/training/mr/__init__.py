"""MR pictures made worse in k-space along their true phase axis, by a known amount."""
