"""Samplers: frozen rules from one noise level to the next, and the one denoising loop."""
