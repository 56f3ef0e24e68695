"""Tools for developers: nothing here is deployed, and only tests import it."""
