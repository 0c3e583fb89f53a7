#!/usr/bin/env python3
"""Trims botocore's service models into this folder: shapes and protocols, no prose.

    python3 models/trim.py BOTOCORE      BOTOCORE is the unpacked source or the installed package (holds data/)

Run it when a model shall be renewed; the build reads only its output. What AWS does differently from its model stands in
patches/, as JSON merge patches that the build applies.
"""

import json
import pathlib
import sys

SERVICES = {
    "lambda": "2015-03-31",
    "iam": "2010-05-08",
    "sts": "2011-06-15",
    "logs": "2014-03-28",
    "sqs": "2012-11-05",
    "sns": "2010-03-31",
}

METADATA = [
    "apiVersion",
    "awsQueryCompatible",
    "endpointPrefix",
    "jsonVersion",
    "protocol",
    "protocols",
    "serviceId",
    "signingName",
    "targetPrefix",
    "xmlNamespace",
]

OPERATION = ["name", "http", "input", "output", "errors", "authtype"]

PROSE = {"documentation", "deprecated", "deprecatedMessage", "deprecatedSince", "synonym"}


def without_prose(shape):
    """The shape, its members and its references without their prose."""
    kept = {}
    for key, value in shape.items():
        if key == "members":
            kept[key] = {name: without_prose(member) for name, member in value.items()}
        elif key in ("member", "key", "value"):
            kept[key] = without_prose(value)
        elif key not in PROSE:
            kept[key] = value
    return kept


def trimmed(model):
    """What the build needs of one model."""
    operations = {}
    for name, operation in sorted(model["operations"].items()):
        kept = {key: operation[key] for key in OPERATION if key in operation}
        for key in ("input", "output"):
            if key in kept:
                kept[key] = without_prose(kept[key])
        if "errors" in kept:
            kept["errors"] = [{"shape": error["shape"]} for error in kept["errors"]]
        operations[name] = kept
    metadata = {key: model["metadata"][key] for key in METADATA if key in model["metadata"]}
    shapes = {name: without_prose(shape) for name, shape in sorted(model["shapes"].items())}
    return {"metadata": metadata, "operations": operations, "shapes": shapes}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    source = pathlib.Path(sys.argv[1])
    data = next((folder for folder in (source / "botocore" / "data", source / "data") if folder.is_dir()), None)
    if data is None:
        sys.exit(f"no data folder in {source}")
    here = pathlib.Path(__file__).parent
    for service, version in SERVICES.items():
        model = json.loads((data / service / version / "service-2.json").read_text(encoding="utf-8"))
        text = json.dumps(trimmed(model), separators=(",", ":"), ensure_ascii=False)
        (here / f"{service}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
