// Package zone is what a name server knows: zones, built once from what was declared and derived, packed for the wire, and
// never changed afterwards. A change makes a new one.
package zone
