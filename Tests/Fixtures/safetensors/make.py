"""Files as the reference implementation writes them. Run with safetensors installed: python3 make.py"""

import ctypes
import math

from safetensors import TensorSpec, serialize

SIZES = {
    "float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "float8_e4m3fn": 1, "float8_e5m2": 1, "int64": 8,
    "int32": 4, "int16": 2, "int8": 1, "uint64": 8, "uint32": 4, "uint16": 2, "uint8": 1, "bool": 1,
}

kept, tensors = [], {}
for dtype, size in SIZES.items():
    for name, shape in [("b", [2, 3]), ("a", [1]), ("B", [0, 4])]:
        count = size * math.prod(shape)
        data = ctypes.create_string_buffer(bytes((7 * i + size) % 2 for i in range(count)), max(1, count))
        kept.append(data)
        tensors[f"{name}.{dtype}"] = TensorSpec(
            dtype=dtype, shape=shape, data_ptr=ctypes.addressof(data), data_len=count)
tensors['quoted "name" \\ ü'] = tensors.pop("a.float32")

with open("every-dtype.safetensors", "wb") as file:
    file.write(serialize(tensors, {"format": "pt"}))
