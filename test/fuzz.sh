#!/usr/bin/env bash
# Runs every fuzz target of the house, each for the time given (5s if none is).
set -euo pipefail
cd "$(dirname "$0")/.."
for_each=${1:-5s}
ran=0

# Go's fuzzer calls it a failure when its own time ends while an input is under way. That says nothing of
# our code, so the target runs again; a failing input is written down and does count.
fuzz() {
	local said
	for try in 1 2 3; do
		if said=$(go test "$1" -run='^$' -fuzz="^$2\$" -fuzztime="$for_each" -parallel=2 2>&1); then
			echo "$said"
			return
		fi
		echo "$said"
		if ! grep -q 'context deadline exceeded' <<<"$said" || grep -q 'Failing input' <<<"$said"; then
			return 1
		fi
	done
	return 1
}

while IFS=: read -r file _ line; do
	target=$(sed -E 's/^func (Fuzz[A-Za-z0-9_]+).*/\1/' <<<"$line")
	echo "fuzz ./$(dirname "$file") $target"
	fuzz "./$(dirname "$file")" "$target"
	ran=$((ran + 1))
done < <(grep -rnE '^func Fuzz[A-Za-z0-9_]+\(' --include='*_test.go' . | sed 's|^\./||')
((ran > 0)) || { echo "no fuzz target was found" >&2; exit 1; }
