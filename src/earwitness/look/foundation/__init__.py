"""Looking with foundation models: Segment Anything, Mask2Former, Depth Anything, CLIP, captions.

Nothing here is imported until a part is asked for by name; the extra ``[hub]`` brings PyTorch and
transformers. Weights come from :mod:`earwitness.models`.
"""
