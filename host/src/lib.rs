//! What touches the machine, once: files, lock, clock, sockets, keys, exit codes.
