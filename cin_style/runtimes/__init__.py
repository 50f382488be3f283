"""What computes pictures: Keras, ONNX Runtime or OpenVINO, each with the same graph."""
