"""Commands of the leads app, one module each."""
