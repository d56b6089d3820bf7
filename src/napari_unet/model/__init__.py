"""The network, its losses, the device it runs on and the file it is kept in."""
