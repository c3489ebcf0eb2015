"""Training: from a folder of images to a signed-ready bundle. The running appliance never imports this room."""
