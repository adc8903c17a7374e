"""What pyproject.toml cannot state: the wheel holds configs/ as personax/configs, prompts and templates."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["personax", "personax.*"]), "personax.configs"],
    package_dir={"personax.configs": "configs"},
    package_data={
        "": ["*.yaml", "py.typed"],
        "personax.traits": ["prompts/*.txt"],
        "personax.graphs": ["published/*.yaml"],
        "personax.experiments.html_report": ["templates/**/*"],
        "personax.configs": ["*.yaml"],
    },
)
