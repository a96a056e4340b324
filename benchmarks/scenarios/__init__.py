"""The parts of the question about the wire, one file each."""
