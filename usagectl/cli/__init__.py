"""The commands: each reads options, calls the module that does the work, and shows the result."""
