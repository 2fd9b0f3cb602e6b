"""The attribution engine: columns in, weights and cents out; no database, no clock, no chance."""
