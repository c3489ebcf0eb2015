"""Groups of ``qcbox-central``'s commands."""
