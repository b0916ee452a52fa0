"""The room drafting."""
