"""The adapters of ../../models as llama.cpp's own converter writes them.

Needs the Python files of llama.cpp (commit or release 5400 and later), transformers 5.24.0, gguf, safetensors.
Run: python make.py LLAMA_CPP (its folder).
"""

import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
MODELS = HERE.parent.parent / "models"

for name in ["llama2", "mistral-full", "qwen2", "qwen3"]:
    subprocess.run([sys.executable, pathlib.Path(sys.argv[1]) / "convert_lora_to_gguf.py", MODELS / name / "adapter",
                    "--base", MODELS / name, "--outfile", HERE / f"{name}.gguf", "--outtype", "f32"], check=True)
