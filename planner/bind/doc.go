// Package bind gives an ast.Statement its meaning: names become relations and columns, expressions get types and
// functions, parameters get types, and the statement becomes a logical tree or a DDL order.
//
//	ast.Statement --Bind--> Bound{ logical.Query | DML parts | physical.DDL, Params, Notices }
//
// The rules are PostgreSQL's: scoping, search path, ambiguity, coercion of untyped literals, what may stand in which
// clause; so are the SQLSTATEs, the words and the positions of errors.
//
//	binder.go   the state of one statement           scope.go   names that are visible at a point
//	query.go    WITH, ORDER BY, LIMIT                select.go  one SELECT: the order of its clauses
//	from.go     FROM: relations, joins, functions    group.go   aggregates and GROUP BY
//	window.go   window functions                     srf.go     set-returning functions in the SELECT list
//	setop.go    UNION, INTERSECT, EXCEPT, VALUES     cte.go     common table expressions
//	expr.go     expressions, by node type            call.go    function calls
//	coerce.go   types brought together               param.go   $n
//	insert.go update.go delete.go copy.go            create.go view.go drop.go alter.go role.go
//
// Invariants:
//   - Binding reads the catalog snapshot in Env and nothing else; it changes nothing. Functions are evaluated only to
//     fold constants, later (rewrite).
//   - Each ast node is bound once for each place it stands; a CTE or a view that is used twice is bound twice, so that
//     its columns have different ids.
//   - What comes out is fully typed: no value of type unknown remains.
//
// What does not belong here: making plans better (rewrite), what a materialized view may contain (incr).
package bind
