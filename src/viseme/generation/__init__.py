"""From conditioning to video files: rollout over clips, streaming MP4 writer with sound, manifest, controls."""
