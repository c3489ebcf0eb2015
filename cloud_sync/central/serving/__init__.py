"""The repository of signed content, served to boxes: by HTTPS and through the broker."""
