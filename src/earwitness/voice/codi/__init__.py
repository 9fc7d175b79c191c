"""CoDi, the generator of the SEE-2-SOUND paper: picture and words to 10.2 s of sound at 16 kHz.

An independent implementation of the path that SEE-2-SOUND uses of "Any-to-Any Generation via
Composable Diffusion" (Tang, Yang, Zhu, Zeng and Bansal, NeurIPS 2023): CLIP conditions, a latent
diffusion UNet with DDIM sampling (Song, Meng and Ermon, ICLR 2021), and AudioLDM's decoder and
HiFi-GAN (Liu et al., ICML 2023; Kong, Kim and Bae, NeurIPS 2020). Where the published program
behaves in a surprising way and the weights were trained with it, so does this one; the
surprises are named in the modules that hold them.

Nothing here imports PyTorch until something is loaded; it comes with the extra ``[hub]``.
"""
