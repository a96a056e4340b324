"""Files and directories as DAGs (UnixFS v1): import, export, directories, paths.

What others build on, each with the same two callables, ``put(cid, data)`` and ``load(cid)`` (`unixfs.options.Put` and
`Load`):

- ``importer.import_file(content, *, put, options, mode, mtime, path, progress, pool) -> ImportedFile(cid, size,
  file_size, blocks, mode, mtime)``
- ``directory.build_tree(entries, *, put, options, wrap, progress, pool)``: ``TreeEntry(path, content, target, mode,
  mtime)`` in, an async iterator of ``ImportedEntry(path, cid, size, type, mode, mtime)`` out
- ``exporter.cat(load, cid, *, offset, length)``: async iterator of bytes-like
- ``exporter.ls(load, cid)``: async iterator of ``DirEntry(name, cid, tsize)``
- ``exporter.stat(load, cid) -> Stat(cid, type, size, cumulative_size, blocks, mode, mtime, target, sharded, fanout)``
- ``exporter.resolve(load, cid, segments) -> Resolved(cid, remainder, steps, blocks)``, through directories and all
  codecs
- ``exporter.walk(load, cid)``: async iterator of ``WalkEntry(path, name, stat)``
"""

from __future__ import annotations

from ipfs_comm.unixfs.format import Mtime, UnixFS
from ipfs_comm.unixfs.options import ImportOptions, Load, Progress, Put

__all__ = ["ImportOptions", "Load", "Mtime", "Progress", "Put", "UnixFS"]
