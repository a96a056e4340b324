"""CAR files: blocks with their CIDs, one after another, read and written as streams."""

from __future__ import annotations

from ipfs_comm.ipld.car.reader import CarReader, Source
from ipfs_comm.ipld.car.sections import MAX_HEADER, MAX_SECTION, header, section
from ipfs_comm.ipld.car.writer import write

__all__ = ["MAX_HEADER", "MAX_SECTION", "CarReader", "Source", "header", "section", "write"]
