"""The web page: a photo and a voice into a video without a command, and a video scored against a reference."""
