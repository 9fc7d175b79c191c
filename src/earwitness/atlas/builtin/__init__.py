"""The built-in model: three small networks for ONNX Runtime, and a text encoder under one.

Nothing here needs PyTorch.
"""
