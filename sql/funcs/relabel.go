package funcs

import "github.com/millracedb/millrace/sql/types"

// Relabel is the cast that only changes the type: text to varchar, oid to regclass. The evaluator passes the
// argument through under its new type; the kernel is never called.
var Relabel = &Func{Name: "relabel", Kind: CastFunc, Args: []types.OID{types.Any}, Ret: types.Any, Vol: Immutable,
	Section: "Casts"}
