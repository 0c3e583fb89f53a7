#!/bin/sh
# Fetches botocore's protocol test vectors, which tests/vectors.rs replays. They are Apache-2.0 and are not part of this
# repository. Does nothing when they are there already.
#
#   crates/wire/fetch-vectors.sh [FOLDER]      FOLDER is target/vectors unless given; PYTHON names the interpreter
set -eu

version=1.44.8
sha256=945b783c1a1259e2a8b078f3f3dd40fae32ea84ab01d3a9953af6b378da7108a
folder=${1:-target/vectors}
stamp=$folder/botocore-$version

if [ -e "$stamp" ]; then
    exit 0
fi
mkdir -p "$folder"
scratch=$(mktemp -d "$folder/fetch.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
python=${PYTHON:-python3}
if ! "$python" -m pip --version >/dev/null 2>&1; then
    "$python" -m venv "$scratch/venv"
    python=$scratch/venv/bin/python
fi
"$python" -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: \
    --dest "$scratch" "botocore==$version"
archive=$scratch/botocore-$version.tar.gz
echo "$sha256  $archive" | sha256sum --check --quiet
tar -xzf "$archive" -C "$scratch" "botocore-$version/tests/unit/protocols"
for part in input output; do
    rm -rf "${folder:?}/$part"
    mv "$scratch/botocore-$version/tests/unit/protocols/$part" "$folder/$part"
done
touch "$stamp"
