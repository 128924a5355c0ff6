"""A key-value cache whose memory grows in strides, so that a decoding step does not copy it."""

from __future__ import annotations

from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer

STRIDE = 128


class _Layer(DynamicLayer):  # type: ignore[misc]
    """Keys and values of one layer, (B, heads, length, head size), in a buffer with room at its end."""

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Start empty."""
        super().lazy_initialization(key_states, value_states)
        self.length = 0
        self.key_buffer = key_states[:, :, :0]
        self.value_buffer = value_states[:, :, :0]

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: object, **kwargs: object
    ) -> tuple[Tensor, Tensor]:
        """Append, and return everything so far as views of the buffer."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        end = self.length + key_states.shape[2]
        self.key_buffer = _room(self.key_buffer, self.length, end)
        self.value_buffer = _room(self.value_buffer, self.length, end)
        self.key_buffer[:, :, self.length : end] = key_states
        self.value_buffer[:, :, self.length : end] = value_states
        self.length = end
        self.keys, self.values = self.key_buffer[:, :, :end], self.value_buffer[:, :, :end]
        return self.keys, self.values

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep only these rows of the batch."""
        self.key_buffer, self.value_buffer = self.key_buffer[indices], self.value_buffer[indices]
        self.keys, self.values = self.key_buffer[:, :, : self.length], self.value_buffer[:, :, : self.length]


def _room(buffer: Tensor, length: int, needed: int) -> Tensor:
    if needed <= buffer.shape[2]:
        return buffer
    size = needed + max(STRIDE, needed // 4)
    grown = buffer.new_empty((*buffer.shape[:2], size, buffer.shape[3]))
    grown[:, :, :length] = buffer[:, :, :length]
    return grown


class GrowingCache(Cache):  # type: ignore[misc]
    """One growing buffer per decoder layer."""

    def __init__(self) -> None:
        super().__init__(layer_class_to_replicate=_Layer)

    def select(self, rows: Tensor) -> None:
        """Keep only these rows of the batch."""
        for layer in self.layers:
            layer.batch_select_indices(rows)
