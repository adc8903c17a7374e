"""PersonaX: behaviour-trait tables, independence tests and causal representation learning.

Data flows one way: table or pictures -> MultiViewData -> fit -> latents -> graph -> picture. A folder (or
file) imports only from the lines above its own:

    runs                                        errors, files, options, run folders, devices, figure style
    views                                       the one type that data hands to learning
    independence                                columns in, test results out
    tables, variant_mnist, graphs, learning     sources of data; graphs; what all models share
    streaming, light_tunnel                     counts of tables that no memory holds; an optical experiment
    crl, baselines, traits, embeddings          our model; the others; traits by language models; encoders
    experiments                                 the commands
"""

__version__ = "0.2.0"
