"""Systems of one folder each: run `slysock serve --system examples.rides:rides` in the folder above this one."""
