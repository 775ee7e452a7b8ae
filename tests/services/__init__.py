"""The library on real services and real faults of a kernel: Syncthing, a power cut, full disks, a mounted drive."""
