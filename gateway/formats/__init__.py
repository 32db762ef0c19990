"""How whole results are written: one module a format, each turning tables of rows into bytes."""
