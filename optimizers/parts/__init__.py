"""What optimizers share or are too long for: no optimizer stands here."""
