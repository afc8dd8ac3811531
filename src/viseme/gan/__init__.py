"""The conditional GAN: generator, discriminator, losses, objective and synthesizer."""
