"""A remote in an ordinary directory, which any file service, share or disk may keep in step.

Loaded through the entry point group ``crdtsync.remotes`` under the name ``folder``.
"""

from crdtsync_folder.remote import FolderRemote as FolderRemote
from crdtsync_folder.remote import open_remote as open_remote

__all__ = ["FolderRemote", "open_remote"]
