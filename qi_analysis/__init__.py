"""qi_analysis: does LI CBT get completed more often? From a raw extract to a published monthly review."""

__version__ = "0.1.0"
