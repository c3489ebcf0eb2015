"""Reading text off pictures: the protocol of an engine, PP-OCR on onnxruntime, Tesseract as the alternative."""
