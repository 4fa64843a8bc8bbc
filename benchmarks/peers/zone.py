"""A zone of octoDNS with a record for each client, and the configuration that plans it from YAML to
YAML.

    python benchmarks/peers/zone.py DIRECTORY RECORDS
"""

import sys
from pathlib import Path

_CONFIGURATION = """\
providers:
  source: {{class: octodns.provider.yaml.YamlProvider, directory: {directory}/source}}
  target: {{class: octodns.provider.yaml.YamlProvider, directory: {directory}/target}}
zones:
  example.com.: {{sources: [source], targets: [target]}}
"""
_RECORD = "client-{number:06}: {{ttl: 300, type: A, values: [203.0.113.10, 203.0.113.11]}}\n"


def write_zone(directory: Path, records: int) -> Path:
    """The configuration that was written."""
    for name in ("source", "target"):
        (directory / name).mkdir()
    lines = [_RECORD.format(number=number) for number in range(records)]
    (directory / "source" / "example.com.yaml").write_text(f"---\n{''.join(lines)}")
    configuration = directory / "config.yaml"
    configuration.write_text(_CONFIGURATION.format(directory=directory))
    return configuration


if __name__ == "__main__":
    print(write_zone(Path(sys.argv[1]), int(sys.argv[2])))
