"""All methods on the light tunnel: pictures and sensor readings of a lamp behind two polarisers."""
