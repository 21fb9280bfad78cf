"""The servers that are compared: what they are (registry), where they come from (javascript), how they run (server).

This module stays empty: the programs in Python are in this package, and what it imported would count as their memory.
"""
