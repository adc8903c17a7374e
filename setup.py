"""What pyproject.toml cannot state: the wheel contains configs/ as personax/configs, and the prompts."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["personax", "personax.*"]), "personax.configs"],
    package_dir={"personax.configs": "configs"},
    package_data={
        "": ["*.yaml", "py.typed"],
        "personax.traits": ["prompts/*.txt"],
        "personax.configs": ["*.yaml"],
    },
)
