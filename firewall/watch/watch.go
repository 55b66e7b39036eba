// Package watch is what the doors saw: which packets the kernel dropped and why, which flows are alive and by which rule, and
// how to end those that a rule let in which is gone.
package watch
