// Package policy decides. It turns a [roundtrip.Call] and its [roundtrip.Principal] into a [Permit], or refuses, by the
// access rules of the declaration; and it checks what a caller asks for (filter, order, expand, page token) against what
// the caller may read.
//
// Rules and filters are one language, CEL in its syntax. A source goes through [lexer], [parser] and [checker] into one
// checked tree of nodes; a [bound] puts the caller in and folds what is then constant; from there the same tree answers
// in memory (eval.go) and as an SQL condition (sqlgen.go).
//
// What is not there is null: a field without a value, a field behind a ref that is null, dangling or, in filters, not
// readable. A comparison, a text function or `in` over null is false; only `!=` is true when exactly one side is null.
// `x == null` and has(x) ask for null itself. `!` turns false into true, also a false that came from null. This differs
// from CEL, where the same is an error.
package policy
