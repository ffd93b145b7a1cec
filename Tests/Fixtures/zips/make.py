#!/usr/bin/env python3
"""Makes the zips here: with the tools that are installed (Info-ZIP's zip, Python's zipfile, the JDK's jar), and byte by byte as
Windows, .NET, macOS, 7-Zip and Info-ZIP on Windows write them (APPNOTE 6.3.10 for the layout). Run it in this folder."""
import io, os, shutil, struct, subprocess, tempfile, zipfile, zlib

here = os.path.dirname(os.path.abspath(__file__))
FILES = {"run/a.txt": b"a\n", "run/zeros.txt": b"0" * 5000, "run/größe/ü.txt": b"u\n"}
ASCII = {name: content for name, content in FILES.items() if name.isascii()}


def tool(name, *command, stream=False, stdin=None):
    with tempfile.TemporaryDirectory() as folder:
        for path, content in FILES.items():
            os.makedirs(os.path.dirname(f"{folder}/{path}"), exist_ok=True)
            open(f"{folder}/{path}", "wb").write(content)
            os.utime(f"{folder}/{path}", (1, 1e9))
        out = f"{folder}/out.zip"
        # A pipe, so that the tool cannot go back.
        result = subprocess.run([part.replace("OUT", out) for part in command], cwd=folder, input=stdin, check=True,
                                stdout=subprocess.PIPE)
        if stream:
            open(out, "wb").write(result.stdout)
        shutil.copy(out, f"{here}/{name}.zip")


class Pipe(io.RawIOBase):
    """Takes bytes and cannot go back."""
    def __init__(self, file): self.file = file
    def writable(self): return True
    def seekable(self): return False
    def write(self, data): return self.file.write(data)


def python(name, target=None, method=zipfile.ZIP_DEFLATED, wide=False):
    with open(f"{here}/{name}.zip", "wb") as file, zipfile.ZipFile(target(file) if target else file, "w", method) as out:
        out.writestr(zipfile.ZipInfo("run/"), b"")
        for path, content in FILES.items():
            info = zipfile.ZipInfo(path)
            info.compress_type = method
            with out.open(info, "w", force_zip64=wide) as entry:
                entry.write(content)


def by_hand(name, files, made, flags, local_extra=lambda n: b"", central_extra=lambda n: b"", encode=str.encode,
            descriptor=None, attributes=0, extras=()):
    body, directory, count = b"", b"", 0
    for path, content in list(files.items()) + list(extras):
        data = zlib.compress(content, 6)[2:-4] if content else b""
        method = 8 if content else 0
        raw, crc = encode(path), zlib.crc32(content)
        flag = flags if content or descriptor is None else flags & ~8
        unknown = descriptor is not None and content
        sizes = (0, 0, 0) if unknown else (crc, len(data), len(content))
        offset, local, central = len(body), local_extra(path), central_extra(path)
        body += struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, flag, method, 0, 33, *sizes, len(raw), len(local)) + raw + local
        body += data + (struct.pack(descriptor, 0x08074B50, crc, len(data), len(content)) if unknown else b"")
        directory += struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, made, 20, flag, method, 0, 33, crc, len(data),
                                 len(content), len(raw), len(central), 0, 0, 0, attributes, offset) + raw + central
        count += 1
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, count, count, len(directory), len(body), 0)
    open(f"{here}/{name}.zip", "wb").write(body + directory + end)


tool("infozip", "zip", "-qr", "OUT", "run")
tool("infozip-stored", "zip", "-q0r", "OUT", "run")
tool("infozip-best", "zip", "-q9r", "OUT", "run")
tool("infozip-stream", "zip", "-qr", "-", "run", stream=True)
tool("infozip-zip64", "zip", "-qr", "-fz", "OUT", "run")
tool("infozip-comment", "zip", "-qrz", "OUT", "run", stdin=b"packed for the merge\n")
tool("stdin-infozip", "zip", "-q", "OUT", "-", stdin=b"a\n")
tool("stdin-infozip-stream", "zip", "-q", "-", "-", stdin=b"a\n", stream=True)
if shutil.which("jar"):
    tool("jdk", "jar", "cMf", "OUT", "run")
python("python")
python("python-stored", method=zipfile.ZIP_STORED)
python("python-stream", target=Pipe)
python("python-zip64", wide=True)
python("python-stream-zip64", target=Pipe, wide=True)

# Explorer: no folders, DOS attributes, names as UTF-8 with the flag that says so.
by_hand("windows", FILES, 20, 0x800, attributes=0x20)
# .NET Framework before 4.6.1: backslashes between folders.
by_hand("dotnet-framework-ascii", {p.replace("/", "\\"): c for p, c in ASCII.items()}, 20, 0)
# .NET to a stream that cannot go back: descriptors.
by_hand("dotnet-stream", FILES, 0x14, 0x808, descriptor="<IIII")
# Archive Utility and ditto: descriptors, owners and times, and what macOS adds.
stamp = struct.pack("<HHHH", 0x7875, 11, 0x0401, 0)[:4] + b"\x01\x04" + bytes(4) + b"\x04" + bytes(4)
by_hand("macos", {"run/": b""} | FILES, 0x0315, 8, descriptor="<IIII", attributes=0o100644 << 16,
        local_extra=lambda n: struct.pack("<HHBI", 0x5455, 5, 1, 10 ** 9) + stamp, central_extra=lambda n: stamp,
        extras=[("__MACOSX/run/._a.txt", b"\x00\x05\x16\x07")])
# 7-Zip: NTFS times in the directory only.
by_hand("7zip", FILES, 63, 0x800, attributes=0x20,
        central_extra=lambda n: struct.pack("<HHIHH", 10, 32, 0, 1, 24) + bytes(24))
# Info-ZIP on Windows: names in code page 850, and beside them as UTF-8.
def unicode_path(name):
    old = name.encode("cp850")
    body = struct.pack("<BI", 1, zlib.crc32(old)) + name.encode()
    return b"" if name.isascii() else struct.pack("<HH", 0x7075, len(body)) + body
by_hand("infozip-windows", FILES, 0x0B14, 0, local_extra=unicode_path, central_extra=unicode_path,
        encode=lambda name: name.encode("cp850"))
