#!/usr/bin/env python3
"""Trims botocore's service models into this folder: shapes and protocols, no prose.

    python3 models/trim.py BOTOCORE      BOTOCORE is the unpacked source or the installed package (holds data/)

Run it when a model shall be renewed; the build reads only its output. What AWS does differently from its model stands in
patches/, as JSON merge patches that the build applies.
"""

import gzip
import json
import pathlib
import sys

SERVICES = {
    "apigateway": "2015-07-09",
    "apigatewaymanagementapi": "2018-11-29",
    "apigatewayv2": "2018-11-29",
    "cloudformation": "2010-05-15",
    "cloudtrail": "2013-11-01",
    "cloudwatch": "2010-08-01",
    "dynamodb": "2012-08-10",
    "dynamodbstreams": "2012-08-10",
    "ecr": "2015-09-21",
    "events": "2015-10-07",
    "iam": "2010-05-08",
    "kinesis": "2013-12-02",
    "kms": "2014-11-01",
    "lambda": "2015-03-31",
    "logs": "2014-03-28",
    "pipes": "2015-10-07",
    "resourcegroupstaggingapi": "2017-01-26",
    "s3": "2006-03-01",
    "scheduler": "2021-06-30",
    "secretsmanager": "2017-10-17",
    "sns": "2010-03-31",
    "sqs": "2012-11-05",
    "ssm": "2014-11-06",
    "stepfunctions": "2016-11-23",
    "sts": "2011-06-15",
    "xray": "2016-04-12",
}

METADATA = [
    "apiVersion",
    "awsQueryCompatible",
    "checksumFormat",
    "endpointPrefix",
    "jsonVersion",
    "protocol",
    "protocols",
    "serviceId",
    "signingName",
    "targetPrefix",
    "xmlNamespace",
]

OPERATION = ["name", "http", "input", "output", "errors", "authtype", "endpoint", "httpChecksum", "unsignedPayload"]

# What is said to people, and what steers clients alone.
PROSE = {
    "box",
    "contextParam",
    "deprecated",
    "deprecatedMessage",
    "deprecatedSince",
    "documentation",
    "retryable",
    "synonym",
}


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


def read(path):
    """A model as the source keeps it, or compressed as the package does."""
    if path.is_file():
        return json.loads(path.read_text(encoding="utf-8"))
    return json.loads(gzip.decompress(path.with_name(path.name + ".gz").read_bytes()))


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    source = pathlib.Path(sys.argv[1])
    data = next((folder for folder in (source / "botocore" / "data", source / "data") if folder.is_dir()), None)
    if data is None:
        sys.exit(f"no data folder in {source}")
    here = pathlib.Path(__file__).parent
    for service, version in SERVICES.items():
        model = read(data / service / version / "service-2.json")
        text = json.dumps(trimmed(model), separators=(",", ":"), ensure_ascii=False)
        (here / f"{service}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
