"""The pure format of feeds: chains, devices, content, forks. No I/O, clock or randomness."""
