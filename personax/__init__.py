"""PersonaX: behaviour-trait tables, independence tests and causal representation learning.

Data flows one way, and a folder imports only from those before it in the line:

    tables, variant_mnist -> views -> crl, baselines -> graphs
    independence          (columns in, test results out)
    runs                  (errors, files, config, run folders; imports none of the others)
"""

__version__ = "0.1.0"
