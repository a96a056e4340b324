"""The core API's verbs through a port, ours beside the original's."""
