"""How a file of a remote comes in: whatever an adapter answers, what is decoded and kept is bytes within the bound."""

from crdtsync.errors import RemoteError, RemoteFileTooLargeError
from crdtsync.remote import Remote


async def read_file(remote: Remote, name: str, *, bytes_max: int) -> bytes:
    """Return the content of a file, as `Remote.get` promises it.

    Adapters are others' code. A buffer that one hands out may change later, and is no key of a dictionary: a copy
    of it is taken.

    Raises:
        RemoteFileTooLargeError: more than `bytes_max`, also where the adapter did not mind.
        RemoteError: as `Remote.get` does; or the adapter gave something else than bytes.
    """
    data: object = await remote.get(name, bytes_max=bytes_max)
    if type(data) is not bytes:
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise RemoteError(
                f"{remote.address}: get of {name} gave {type(data).__name__}, not bytes",
                hint="Put the adapter to crdtsync.testing.check_remote",
            )
        data = bytes(data)
    if len(data) > bytes_max:
        raise RemoteFileTooLargeError(f"{name} has {len(data)} bytes, more than {bytes_max}")
    return data
