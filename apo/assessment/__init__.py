"""The room assessment."""
