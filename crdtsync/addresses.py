"""Addresses such as ``folder:~/Dropbox/sales``: the remotes that installed adapters open at them."""

from importlib.metadata import entry_points

from crdtsync.errors import RemoteAddressError
from crdtsync.remote import Remote
from crdtsync.sync import inspection
from crdtsync.sync.picture import FolderPicture


def open_remote(remote: str | Remote) -> Remote:
    """Return the remote at an address such as ``folder:~/Dropbox/sales``, by the adapter of that name.

    Raises:
        RemoteAddressError: the address makes no sense, or no adapter of that name is installed.
    """
    if not isinstance(remote, str):
        return remote
    scheme, colon, location = remote.partition(":")
    adapters = {item.name: item for item in entry_points(group="crdtsync.remotes")}
    if not colon or len(scheme) < 2:
        raise RemoteAddressError(
            f"{remote!r} is no address of a remote", hint="Write folder:PATH, for instance"
        )
    if scheme not in adapters:
        raise RemoteAddressError(
            f"no adapter for {scheme!r} is installed", hint=f"Installed are: {', '.join(sorted(adapters))}"
        )
    opened: Remote = adapters[scheme].load()(location)
    return opened


async def inspect_folder(remote: str | Remote, *, previous: FolderPicture | None = None) -> FolderPicture:
    """Return what lies in a shared folder, and what is wrong there. It needs no replica, and writes nothing.

    ::

        picture = await crdtsync.inspect_folder("folder:~/Dropbox/sales")
        picture = await crdtsync.inspect_folder("folder:~/Dropbox/sales", previous=picture)  # reads what is new

    One call reads 20,000 files and 512 MiB at most; `FolderPicture.unread` files are left for the next one.

    Args:
        remote: an address, or a remote object, which need not be entered.
        previous: the picture that was made of it before; where nothing has changed, it is returned itself.

    Raises:
        RemoteAddressError: the address makes no sense, or no adapter of that name is installed.
        RemoteUnavailableError: the remote cannot be reached.
    """
    return await inspection.inspect(open_remote(remote), previous=previous)
