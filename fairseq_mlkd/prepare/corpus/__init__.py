"""Text and dumps of many languages -> one folder of binary training data."""
