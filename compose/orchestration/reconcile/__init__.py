"""The decisions of `up`: what differs between what should be and what is, and what to do about it."""
