"""The pair of networks, and the space that the slow signals are drawn in."""
