"""What an engine needs of the process: devices, files, checkpoints, interrupts."""
