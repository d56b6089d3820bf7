"""Check what ruff does not: YAML and TOML parse, text is whole, no leftovers."""

import sys
import tomllib
from pathlib import Path

import yaml

FOLDERS = [".ci", ".github", "benchmarks", "docs", "examples"]
FOLDERS += ["scripts", "src", "tests"]
STRAY = {".npz", ".onnx", ".pt", ".safetensors", ".tif", ".tiff", ".zip"}
TEXT = {".cfg", ".ini", ".md", ".py", ".sh", ".toml", ".txt", ".yaml", ".yml"}


def fault(path: Path) -> str | None:
    text = path.read_text(encoding="utf-8")
    if text and (not text.endswith("\n") or text.endswith("\n\n")):
        return "does not end with exactly one newline"
    if any(line != line.rstrip() for line in text.splitlines()):
        return "has spaces at the end of a line"
    if any(line.startswith(("<<<<<<<", ">>>>>>>")) for line in text.splitlines()):
        return "has the marks of a merge that was not finished"
    try:
        if path.suffix == ".toml":
            tomllib.loads(text)
        elif path.suffix in {".yaml", ".yml"}:
            yaml.safe_load(text)
    except (tomllib.TOMLDecodeError, yaml.YAMLError) as error:
        return f"does not parse: {error}"
    return None


def main() -> int:
    paths = [path for path in Path().glob("*") if path.is_file()]
    stray = {path: "is left over" for path in paths if path.suffix in STRAY}
    for folder in FOLDERS:
        paths += [path for path in Path(folder).rglob("*") if path.is_file()]
    faults = stray | {path: fault(path) for path in paths if path.suffix in TEXT}
    for path, reason in faults.items():
        if reason:
            print(f"{path}: {reason}", file=sys.stderr)
    return int(any(faults.values()))


if __name__ == "__main__":
    sys.exit(main())
