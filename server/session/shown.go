package session

import (
	"regexp"

	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/parser"
)

// suspect finds texts that may hold a password: few do, and only these are looked at closely.
var suspect = regexp.MustCompile(`(?i)password|secret|private key|token|jaas|credential|api\.key|user\.?info`)

// Shown is a statement's text as others may see it: without passwords and the values of secrets.
func Shown(text string) string {
	if !suspect.MatchString(text) {
		return text
	}
	stmts, err := parser.Parse(text)
	if err != nil {
		return "<a statement that may hold a password>"
	}
	masked, out := false, ""
	for i, s := range stmts {
		if i > 0 {
			out += "; "
		}
		masked = mask(s.Node) || masked
		out += parser.Deparse(s.Node)
	}
	if !masked {
		return text
	}
	return out
}

// mask hides the passwords in a statement, and reports whether there were any.
func mask(n ast.Statement) bool {
	switch n := n.(type) {
	case *ast.CreateSecret:
		n.Value = maskedLiteral()
		return true
	case *ast.AlterSecret:
		n.Value = maskedLiteral()
		return true
	case *ast.CreateStream:
		return maskRelation(&n.RelationDef)
	case *ast.CreateTable:
		return maskRelation(&n.RelationDef)
	case *ast.CreateSink:
		options := maskOptions(n.Options)
		return maskFormat(n.Format) || options
	case *ast.CreateRole:
		return maskRole(n.Options)
	case *ast.AlterRole:
		return maskRole(n.Options)
	case *ast.Alter:
		masked := false
		for _, a := range n.Actions {
			masked = maskOptions(a.Options) || masked
			if a.Set != nil && catalog.SecretOption(a.Set.Name, "") {
				a.Set.Values, masked = []ast.Expr{maskedLiteral()}, true
			}
		}
		return masked
	case *ast.Explain:
		return mask(n.Stmt)
	case *ast.Prepare:
		return mask(n.Stmt)
	}
	return false
}

func maskRelation(r *ast.RelationDef) bool {
	options := maskOptions(r.Options)
	return maskFormat(r.Format) || options
}

func maskFormat(f *ast.Format) bool {
	if f == nil {
		return false
	}
	value := maskOptions(f.Options)
	return maskOptions(f.KeyOpts) || value
}

func maskOptions(opts []*ast.Option) bool {
	masked := false
	for _, o := range opts {
		if text, ok := o.Text(); ok && catalog.ShownValue(o.Name, text) != text {
			o.Value = maskedLiteral()
			masked = true
		}
	}
	return masked
}

func maskRole(opts []*ast.RoleOption) bool {
	masked := false
	for _, o := range opts {
		if (o.Name == "PASSWORD" || o.Name == "ENCRYPTED PASSWORD") && o.Value != nil && o.Value.Kind == ast.LitString {
			o.Value = maskedLiteral()
			masked = true
		}
	}
	return masked
}

func maskedLiteral() *ast.Literal { return &ast.Literal{Kind: ast.LitString, Text: catalog.Masked} }
