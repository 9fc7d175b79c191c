"""Voices that generate: AudioLDM 2, Stable Audio Open, TangoFlux; and CLAP, which picks the best.

Nothing here is imported until a voice is asked for by name; the extra ``[hub]`` brings PyTorch,
transformers and diffusers.
"""
