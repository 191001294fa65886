"""The same job as other people would write it, to be measured beside ours; nothing of ours is imported here."""
