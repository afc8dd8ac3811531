"""The conditional DDPM: U-Net, noising process, sampler, objective and synthesizer."""
