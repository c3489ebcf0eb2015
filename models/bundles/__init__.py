"""Networks as MONAI bundles exported to ONNX: read, checked and run by onnxruntime alone."""
