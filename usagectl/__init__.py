"""The operator's tool, and the loading of data sets that `make run` shares with it."""
