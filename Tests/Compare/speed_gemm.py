"""Rate of products of one process: those of a BERT block, in all three forms. What whole steps are measured against.

In single precision with OpenBLAS, the library that `dure` is linked to; in bf16 with PyTorch, whose products are
oneDNN's, as those of `dure` are.
"""

import argparse
import array
import ctypes
import json
import random
import statistics
import time

ROW_MAJOR, PLAIN, TRANSPOSED = 101, 111, 112


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", help="path of OpenBLAS; or torch, which stands for bf16")
    parser.add_argument("--hidden", type=int, required=True)
    parser.add_argument("--intermediate", type=int, required=True)
    parser.add_argument("--tokens", type=int, default=2048)
    parser.add_argument("--repetitions", type=int, default=5)
    return parser.parse_args()


def matrix(count: int):
    values = array.array("f", (random.uniform(-1, 1) for _ in range(4093)))
    values = values * (count // len(values) + 1)
    return (ctypes.c_float * count).from_buffer(values)


class SingleProducts:
    """Of OpenBLAS, on arrays."""

    matrix = staticmethod(matrix)

    def __init__(self, path: str) -> None:
        library = ctypes.CDLL(path)
        library.openblas_set_num_threads(1)
        self.function = library.cblas_sgemm
        self.function.restype = None
        integer, real, pointer = ctypes.c_int, ctypes.c_float, ctypes.c_void_p
        self.function.argtypes = [integer] * 6 + [real, pointer, integer, pointer, integer, real, pointer, integer]

    def multiply(self, sizes, left, right, result, transposes) -> None:
        """result[m, n] = left · right, of which either may be stored transposed."""
        m, n, k = sizes
        first, second = transposes
        self.function(
            ROW_MAJOR,
            TRANSPOSED if first else PLAIN,
            TRANSPOSED if second else PLAIN,
            *(m, n, k, 1.0),
            *(left, m if first else k),
            *(right, k if second else n),
            *(0.0, result, n),
        )


class BrainProducts:
    """Of PyTorch in bf16, with a bf16 result."""

    def __init__(self) -> None:
        import torch

        torch.set_num_threads(1)
        self.torch = torch

    def matrix(self, count: int):
        return self.torch.rand(count).sub_(0.5).bfloat16()

    def multiply(self, sizes, left, right, result, transposes) -> None:
        m, n, k = sizes
        first, second = transposes
        self.torch.mm(
            left.view(k, m).t() if first else left.view(m, k),
            right.view(n, k).t() if second else right.view(k, n),
            out=result.view(m, n),
        )


def main() -> None:
    options = arguments()
    products = BrainProducts() if options.library == "torch" else SingleProducts(options.library)
    tokens, hidden, wide = options.tokens, options.hidden, options.intermediate
    operations = seconds = 0.0
    for outputs, inputs in ((3 * hidden, hidden), (hidden, hidden), (wide, hidden), (hidden, wide)):
        activations, weights, gradients = map(
            products.matrix, (tokens * inputs, outputs * inputs, tokens * outputs)
        )
        forms = [
            ((tokens, outputs, inputs), activations, weights, gradients, (False, True)),
            ((tokens, inputs, outputs), gradients, weights, activations, (False, False)),
            ((outputs, inputs, tokens), gradients, activations, weights, (True, False)),
        ]
        for form in forms:
            times = []
            for _ in range(options.repetitions + 1):
                begin = time.perf_counter()
                products.multiply(*form)
                times.append(time.perf_counter() - begin)
            seconds += statistics.median(times[1:])
            operations += 2.0 * tokens * outputs * inputs
    print(json.dumps({"gflops": operations / seconds / 1e9}))


if __name__ == "__main__":
    main()
