"""The command obfuscation_study: what obfuscated vectors give away, and what obfuscation changes in results.

attacks.py    who is found again, with and without known pairs; are two releases linkable?
latents.py    Level II on simulated people whose vectors are obfuscated
run.py        all of it in a folder that can be continued
"""
