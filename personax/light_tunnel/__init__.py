"""The light tunnel: pictures and sensor readings of a lamp behind two polarisers, from known settings.

The tunnel is a real optical experiment (Gamella et al. 2025). A lamp with red, green and blue light shines
through two polarisers (filters that can be turned) on a camera and on sensors. The package `causalchamber`
has its simulators; the causal model of the settings, the noise, and what a measurement is are ours.
"""
