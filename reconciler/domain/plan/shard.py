"""A part of an environment that a run is limited to."""

from __future__ import annotations

from reconciler.dataclass import dataclass
from reconciler.domain.values.names import bucket_names


@dataclass(frozen=True, slots=True)
class Shard:
    """Every ``count``-th bucket from ``index`` (1-based) on: ``--shard 2/4``."""

    index: int = 1
    count: int = 1

    def holds(self, bucket: str, buckets: int) -> bool:
        return bucket_names(buckets).index(bucket) % self.count == self.index - 1
