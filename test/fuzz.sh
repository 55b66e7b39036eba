#!/usr/bin/env bash
# Runs every fuzz target of the house, each for the time given (5s if none is).
set -euo pipefail
cd "$(dirname "$0")/.."
for_each=${1:-5s}
ran=0
while IFS=: read -r file _ line; do
	target=$(sed -E 's/^func (Fuzz[A-Za-z0-9_]+).*/\1/' <<<"$line")
	echo "fuzz ./$(dirname "$file") $target"
	go test "./$(dirname "$file")" -run='^$' -fuzz="^$target\$" -fuzztime="$for_each" -parallel=2
	ran=$((ran + 1))
done < <(grep -rnE '^func Fuzz[A-Za-z0-9_]+\(' --include='*_test.go' . | sed 's|^\./||')
((ran > 0)) || { echo "no fuzz target was found" >&2; exit 1; }
