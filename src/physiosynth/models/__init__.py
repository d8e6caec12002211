"""Networks and the diffusion process."""
