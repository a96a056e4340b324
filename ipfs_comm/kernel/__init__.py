"""What one kernel has of this package: its configuration, its loop, its node, and the cells that its pages run."""
