"""From a corpus of videos to a store of aligned clips that training and evaluation read."""
