// Package roundtrip holds the nouns of the house: what travels along the path of a request. A [Call] comes in at a door,
// a [Principal] makes it, it concerns a [Record] of a [Collection], it ends in an answer or an [Error], and leaves a
// [Change] behind. Every room speaks in these words; the package itself knows no room.
package roundtrip
