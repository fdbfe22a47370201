#!/usr/bin/env python3
"""Builds what is released, packs it, and fills its sums into the krew manifest.

  release/release.py build [TARGET...]  build and pack; with no TARGET, all of krew-manifest.yaml's
                                        that this machine can build, and says which it cannot
  release/release.py manifest           OUT/mesh-why.yaml: krew-manifest.yaml with the sums of the
                                        archives in OUT
  release/release.py twice [TARGET]     two builds in two folders give the same bytes

  --out FOLDER     where archives are (default: dist)
  --binary FILE    build: pack this binary of TARGET, and build none
  --most BYTES     build: it is an error where the binary has more (default: 12000000; with
                   --binary, any size will do)
  --all            manifest: it is an error where a platform has no archive
  --tag vX.Y.Z     manifest: it is an error where this is another version
  --version X.Y.Z  manifest: say this version in place of Cargo.toml's
  --base URL       manifest: the archives are below this URL

An archive is krew's: flat, no links, the license in it. The same files give the same bytes.
"""

import argparse
import gzip
import hashlib
import io
import os
import re
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BINARY = "kubectl-mesh_why"
BESIDE = ("LICENSE", "README.md", "plugin.yaml")
MOST = 12_000_000  # bytes of the stripped binary, where that was ever measured
MEASURED = ("x86_64-unknown-linux-musl", "x86_64-unknown-linux-gnu")


class Failed(Exception):
    """Something that had to work did not."""


def run(*argv, **more):
    """What a command prints."""
    done = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE, text=True, **more)
    if done.returncode:
        raise Failed(f"{' '.join(map(str, argv))[:200]}: exit code {done.returncode}")
    return done.stdout.strip()


# --- what there is to build ---------------------------------------------------------------------


def version():
    return re.search(r'^version = "(.+)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]


def targets():
    """Those of the manifest, in its order."""
    return re.findall(
        rf"/{BINARY}-(.+)\.tar\.gz$", (ROOT / "krew-manifest.yaml").read_text(), re.MULTILINE
    )


def host():
    return re.search(r"^host: (.+)$", run("rustc", "-vV"), re.MULTILINE)[1]


def why_not(target):
    """Why this machine cannot build for a target, in a few words; empty where it can."""
    if Path(run("rustc", "--print", "target-libdir", "--target", target)).is_dir():
        linker = f"CARGO_TARGET_{target.upper().replace('-', '_')}_LINKER"
        both = machine(target)[1] == machine(host())[1] == "apple"
        if machine(target) == machine(host()) or both or linker in os.environ:
            return ""
        return f"no linker for it is known ({linker})"
    return f"its standard library is not installed (rustup target add {target})"


def machine(target):
    """The processor, and whose system it is."""
    arch, vendor, system, *_ = target.split("-")
    return (arch, vendor if vendor == "apple" else system)


def stand_in(target):
    """What is built where a static musl binary cannot be, to try everything but that."""
    other = target.replace("-musl", "-gnu")
    return other if other != target and not why_not(other) else None


# --- build ----------------------------------------------------------------------------------------


def flags(target, root, folder):
    """No path of this machine gets into the binary."""
    home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    sysroot = Path(run("rustc", "--print", "sysroot"))
    commit = re.search(r"^commit-hash: (.+)$", run("rustc", "-vV"), re.MULTILINE)[1]
    # The last that fits wins.
    maps = [(home, "/cargo"), (root, "/source"), (folder, "/target")]
    # One folder for each registry, named after its host: a mirror of one's own is another.
    maps += [(place, "/registry") for place in sorted((home / "registry" / "src").glob("*"))]
    maps.append((sysroot / "lib" / "rustlib" / "src" / "rust", f"/rustc/{commit}"))
    rust = [f"--remap-path-prefix={old}={new}" for old, new in maps]
    c = []
    if "windows" in target:
        rust.append("-Clink-arg=/Brepro")  # no time of the build
    else:
        c = [f"-ffile-prefix-map={old}={new}" for old, new in maps]
    if "-linux-" in target:
        rust.append("-Clink-arg=-Wl,-z,pack-relative-relocs")  # 0.4 MB less
    return rust, c


def build(target, root=ROOT, folder=None):
    """The stripped binary of a target."""
    folder = Path(folder or os.environ.get("CARGO_TARGET_DIR") or root / "target").absolute()
    run("cargo", "fetch", "--locked", "--quiet", cwd=root)  # the places of crates are known then
    rust, c = flags(target, root, folder)
    env = {
        **os.environ,
        "CARGO_TARGET_DIR": str(folder),
        "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(rust),
        "CFLAGS": " ".join([os.environ.get("CFLAGS", ""), *c]).strip(),
        "ZERO_AR_DATE": "1",
    }
    run("cargo", "build", "--release", "--locked", "--quiet", "--target", target, cwd=root, env=env)
    return folder / target / "release" / name_in(target)


def name_in(target):
    return f"{BINARY}.exe" if "windows" in target else BINARY


def small(binary, most):
    size = binary.stat().st_size
    if size > most:
        raise Failed(f"{binary} has {size:,} bytes, and {most:,} are the most")
    return size


def held(binary, target, most):
    """What a release promises of its binary, and what it costs."""
    size = small(binary, most) if target in MEASURED else binary.stat().st_size
    content = binary.read_bytes()
    for place in [ROOT, Path.home() / ".cargo", Path.home() / ".rustup"]:
        if str(place).encode() in content:
            raise Failed(f"{binary} names {place}, a path of the machine that built it")
    print(f"{target}: {size:,} bytes", end="")
    if machine(target) == machine(host()):
        said = run(binary, "--version")
        if said.split()[-1] != version():
            raise Failed(f"it says that it is {said}")
        took = demo(binary)
        print(f", --demo {statistics.median(took):.1f} ms ({min(took):.1f} at best)", end="")
    print(flush=True)


def demo(binary):
    """Milliseconds of twenty times `--demo`, after one more."""
    took = []
    for _ in range(21):
        began = time.perf_counter()
        if "product-service" not in run(binary, "--demo"):
            raise Failed("--demo does not answer")
        took.append((time.perf_counter() - began) * 1000)
    return took[1:]


# --- pack -----------------------------------------------------------------------------------------


def pack(binary, target, out, effort=9):
    """The archive, as krew takes it, and its sum beside it."""
    files = [(name_in(target), binary.read_bytes(), 0o755)]
    files += [(name, (ROOT / name).read_bytes(), 0o644) for name in BESIDE]
    bytes_ = io.BytesIO()
    with gzip.GzipFile(
        filename="", mode="wb", fileobj=bytes_, mtime=0, compresslevel=effort
    ) as zipped:
        with tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for name, content, mode in sorted(files):
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(content), mode
                archive.addfile(entry, io.BytesIO(content))
    out.mkdir(parents=True, exist_ok=True)
    archive = out / f"{BINARY}-{target}.tar.gz"
    archive.write_bytes(bytes_.getvalue())
    sum_ = hashlib.sha256(bytes_.getvalue()).hexdigest()
    (out / f"{archive.name}.sha256").write_text(f"{sum_}  {archive.name}\n", newline="\n")
    print(f"{archive}: {len(bytes_.getvalue()):,} bytes, {sum_}", flush=True)
    return archive


def build_all(wanted, out, binary=None, most=None):
    if binary:
        if len(wanted) != 1:
            raise Failed("--binary is for one TARGET")
        if most is not None:
            small(binary, most)
        return [pack(binary, wanted[0], out)]
    made = []
    for target in wanted or targets():
        why = why_not(target)
        if why and wanted:
            raise Failed(f"{target}: {why}")
        if why:
            print(f"{target}: not built: {why}", flush=True)
            target = stand_in(target)
            if not target:
                continue
            print(f"{target}: in its place, to be tried and not to be published", flush=True)
        built = build(target)
        held(built, target, MOST if most is None else most)
        made.append(pack(built, target, out))
    if not made:
        raise Failed("this machine can build nothing of it")
    return made


# --- the manifest ---------------------------------------------------------------------------------


def manifest(out, everything=False, tag=None, says=None, base=None):
    """OUT/mesh-why.yaml: the file's name is the plugin's, as krew wants it."""
    text = (ROOT / "krew-manifest.yaml").read_text()
    if tag not in (None, f"v{version()}"):
        raise Failed(f"the tag is {tag}, and Cargo.toml says {version()}")
    lacking = []

    def filled(found):
        uri, target, rest, ending = found.groups()
        for name in [target, target.replace("-musl", "-gnu")]:
            archive = out / f"{BINARY}-{name}.tar.gz"
            if archive.exists():
                sum_ = hashlib.sha256(archive.read_bytes()).hexdigest()
                return f'{uri}{archive.name}{rest}"{sum_}"{ending}'
        lacking.append(target)
        return found[0]

    pattern = rf'^(\s+uri: \S+/){BINARY}-(\S+)\.tar\.gz(\n\s+sha256: )"[0-9a-f]{{64}}"(\n)'
    text, count = re.subn(pattern, filled, text, flags=re.MULTILINE)
    if count != len(targets()):
        raise Failed("krew-manifest.yaml does not read as it should")
    for target in lacking:
        print(f"{target}: there is no archive; its sum stays 0", flush=True)
    if lacking and everything:
        raise Failed("some archives are not there")
    if base:
        text = re.sub(r"(uri: )\S+/", rf"\g<1>{base}/", text)
    if says:
        text = text.replace(f"v{version()}", f"v{says}")
    file = out / "mesh-why.yaml"
    file.write_text(text, newline="\n")
    print(f"{file}: {count - len(lacking)} of {count} platforms", flush=True)
    return file


# --- twice ----------------------------------------------------------------------------------------


def twice(target):
    """Two clones in two folders, of names of two lengths, and two places to build in."""
    sums = {}
    with tempfile.TemporaryDirectory(prefix="mesh-why-twice-") as scratch:
        roots = [Path(scratch) / name / "source" for name in ["one", "another-of-a-longer-name"]]
        for root in roots:
            run("git", "clone", "--quiet", ROOT, root)
        for root in roots:
            binary = build(target, root, root.parent / "target")
            sums[root] = hashlib.sha256(binary.read_bytes()).hexdigest()
            print(f"{root.parent}: {binary.stat().st_size:,} bytes, {sums[root]}", flush=True)
            shutil.rmtree(root.parent)
    if len(set(sums.values())) != 1:
        raise Failed("the two builds differ")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["build", "manifest", "twice"])
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    parser.add_argument("--binary", type=Path)
    parser.add_argument("--most", type=int)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--tag")
    parser.add_argument("--version")
    parser.add_argument("--base")
    arg = parser.parse_args()
    match arg.command:
        case "build":
            build_all(arg.targets, arg.out, arg.binary, arg.most)
        case "manifest":
            manifest(arg.out, arg.all, arg.tag, arg.version, arg.base)
        case "twice":
            twice((arg.targets or [host()])[0])


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(f"release: {failure}")
