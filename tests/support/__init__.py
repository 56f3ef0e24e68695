"""What the tests share: the oracle, data sets, and stand-ins."""
