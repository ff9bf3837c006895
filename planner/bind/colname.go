package bind

import "github.com/millracedb/millrace/sql/ast"

// columnName is the name of a SELECT item without an alias: PostgreSQL's FigureColname.
func columnName(e ast.Expr) string {
	if n, _ := figureName(e); n != "" {
		return n
	}
	return "?column?"
}

// figureName finds a name and how much it counts: 2 for a name of something, 1 for the name of a type or construct.
func figureName(e ast.Expr) (string, int) {
	switch e := e.(type) {
	case *ast.ColumnRef:
		if !e.Star && len(e.Parts) > 0 {
			return e.Parts[len(e.Parts)-1], 2
		}
	case *ast.Field:
		if !e.Star {
			return e.Name, 2
		}
	case *ast.FuncCall:
		if e.Form == ast.FormExtract {
			return "extract", 2
		}
		return e.Name[len(e.Name)-1], 2
	case *ast.Subscript:
		return figureName(e.Arg)
	case *ast.Collate:
		return figureName(e.Arg)
	case *ast.AtTimeZone:
		return "timezone", 2
	case *ast.Cast:
		if n, s := figureName(e.Arg); s > 1 {
			return n, s
		}
		return e.Type.Name, 1
	case *ast.TypedLiteral:
		return e.Type.Name, 1
	case *ast.Literal:
		if e.Kind == ast.LitBool {
			return "bool", 1
		}
	case *ast.Case:
		if e.Else != nil {
			if n, s := figureName(e.Else); s > 1 {
				return n, s
			}
		}
		return "case", 1
	}
	return figureForm(e)
}

// figureForm names the special forms.
func figureForm(e ast.Expr) (string, int) {
	switch e := e.(type) {
	case *ast.Coalesce:
		return "coalesce", 2
	case *ast.NullIf:
		return "nullif", 2
	case *ast.MinMax:
		if e.Least {
			return "least", 2
		}
		return "greatest", 2
	case *ast.Array, *ast.ArraySubquery:
		return "array", 2
	case *ast.Row:
		return "row", 2
	case *ast.Exists:
		return "exists", 2
	case *ast.Niladic:
		return e.Name, 2
	case *ast.Grouping:
		return "grouping", 2
	case *ast.ScalarSubquery:
		if core, ok := e.Query.Body.(*ast.SelectCore); ok && len(core.Items) == 1 {
			if core.Items[0].Alias != "" {
				return core.Items[0].Alias, 2
			}
			return figureName(core.Items[0].Expr)
		}
	}
	return "", 0
}
