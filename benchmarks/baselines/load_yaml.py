"""Reads every YAML file of a folder with PyYAML's C loader, and does nothing with it.

python benchmarks/baselines/load_yaml.py DIRECTORY
"""

import sys
from pathlib import Path

import yaml

for path in sorted(Path(sys.argv[1]).rglob("*.yaml")):
    with path.open("rb") as file:
        list(yaml.load_all(file, yaml.CSafeLoader))
