"""The backends of Keras against Keras 3.15 on TensorFlow, which is what a Keras spec means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shapelint.ops.arithmetic.keras import deconv_length
from shapelint.runtimes import causes
from shapelint.runtimes.register import Answer, Runtime, departs
from shapelint.size import at_least, larger

if TYPE_CHECKING:
    from shapelint.runtimes.register import Step

TENSORFLOW: Final = Runtime("keras", "Keras 3.15 on TensorFlow's CPU")
JAX: Final = Runtime("keras", "Keras 3.15 on JAX")
TORCH: Final = Runtime("keras", "Keras 3.15 on torch")
NUMPY: Final = Runtime("keras", "Keras 3.15 on NumPy")
COMPUTED: Final = Runtime("shape_inference", "compute_output_shape of Keras 3.15", executes=False)
OLDER_TORCH: Final = Runtime("keras", "Keras 3.13.2 to 3.14.0 on torch")

_TRANSPOSED: Final = "https://keras.io/api/layers/convolution_layers/convolution2d_transpose/"
_POOLS: Final = "https://keras.io/api/layers/pooling_layers/max_pooling2d/"
_CLAMPED: Final = "https://github.com/keras-team/keras/pull/21852"


@departs(TENSORFLOW, causes.BACKEND_DILATION, "ConvTranspose", rule="keras", reference=_TRANSPOSED)
def dilated_transpose(step: Step) -> Answer | None:
    """Has no kernel for a transposed convolution with a dilation_rate above 1 (Keras 2 composes one)."""
    return Answer(runs=False) if step.window is not None and step.window.dilation > 1 else None


@departs(OLDER_TORCH, causes.BACKEND_EVEN_KERNEL, "ConvTranspose", rule="keras", reference=_CLAMPED)
def clamped_transpose(step: Step) -> Answer | None:
    """Returns n - 1 for padding 'same', strides of 1 and an even kernel."""
    window = step.window
    if window is None or window.mode != "same" or window.output_padding is not None:
        return None
    if window.stride > 1 or window.dilation > 1 or window.kernel % 2:
        return None
    return Answer(step.n - 1)


def _no_output_padding(step: Step) -> Answer | None:
    """Returns (n - 1)*strides for padding 'same', an even kernel and an output_padding of 0."""
    window = step.window
    if window is None or window.mode != "same" or window.output_padding != 0 or window.extent % 2:
        return None
    return Answer(deconv_length(step.n, window))


for _backend in (JAX, TORCH, NUMPY, COMPUTED):
    departs(
        _backend, causes.NO_OUTPUT_PADDING, "ConvTranspose", rule="keras", reference=_TRANSPOSED, only_refused=True
    )(_no_output_padding)


@departs(JAX, causes.EMPTY_POOL, "MaxPool", "AveragePool", rule="keras", reference=_POOLS, only_refused=True)
def empty_pool(step: Step) -> Answer | None:
    """Returns an empty tensor wherever the window exceeds its input."""
    window = step.window
    if window is None or window.mode != "valid":
        return None
    return Answer(larger((step.n - window.extent) // window.stride + 1, 0))


@departs(TORCH, causes.EMPTY_POOL, "MaxPool", "AveragePool", rule="keras", reference=_POOLS, only_refused=True)
def refused_pool(step: Step) -> Answer | None:
    """Refuses a pool whose window exceeds its input."""
    window = step.window
    if window is None or window.mode != "valid":
        return None
    return Answer(runs=at_least(step.n, window.extent))
