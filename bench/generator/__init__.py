"""The load generator: a program in C, and the Python that starts it and reads its result."""

from bench.generator.run import CoreUse, Measured, Options, measure

__all__ = ["CoreUse", "Measured", "Options", "measure"]
