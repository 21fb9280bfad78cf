"""Systems of one folder each: `slysock serve --system examples.rides:rides`, from the folder that this one is in."""
