"""What containers print: from FIFO to file without a copy, and back. Standard library only."""
