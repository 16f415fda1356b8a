"""Backbones: velocity fields with trainable parameters, one file each."""
