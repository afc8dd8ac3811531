"""Audio encoders: one feature vector a video frame."""
