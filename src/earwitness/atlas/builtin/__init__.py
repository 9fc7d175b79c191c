"""The built-in model: three small networks for ONNX Runtime, and the text encoder under one of them.

Nothing here needs PyTorch.
"""
