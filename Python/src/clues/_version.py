"""The version of this package and of the executable in its wheel."""

__version__ = "0.1.0"
