#!/bin/sh
# Regenerates the C sources from otlp.proto. Needs protoc-c (Debian: protobuf-c-compiler). The result is committed.
set -eu
cd "$(dirname "$0")"
protoc-c --proto_path=. --c_out=. otlp.proto
mv otlp.pb-c.h include/otlp.pb-c.h
