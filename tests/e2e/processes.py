"""What runs on this machine on somebody's behalf, read from /proc."""

import socket
from pathlib import Path


def processes_of(folder: Path) -> set[int]:
    """Every process whose environment names the folder: an emulator and its functions' workers."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            if str(folder).encode() in entry.read_bytes():
                found.add(int(entry.parent.name))
        except OSError:
            continue
    return found


def listening(pids: set[int]) -> set[str]:
    """The addresses on which these processes accept connections or datagrams."""
    inodes = set()
    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            try:
                inodes.add(str(descriptor.readlink()).removeprefix("socket:[").removesuffix("]"))
            except OSError:
                continue
    addresses = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        family = socket.AF_INET6 if table.endswith("6") else socket.AF_INET
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *_, inode = line.split()[:10]
            if inode in inodes and (state == "0A" or table.startswith("udp")):
                words = bytes.fromhex(local.partition(":")[0])
                packed = b"".join(words[at : at + 4][::-1] for at in range(0, len(words), 4))
                addresses.add(socket.inet_ntop(family, packed))
    return addresses
