package bind

import (
	"strings"

	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
)

// CreateSecret binds CREATE SECRET name [WITH (backend = 'meta')] AS 'value'.
func (b *Binder) CreateSecret(stmt *ast.CreateSecret) (physical.DDL, error) {
	sc, err := b.targetSchema(stmt.Name)
	if err != nil {
		return nil, err
	}
	for _, o := range stmt.Options {
		if v, _ := o.Text(); o.Name != "backend" || v != "meta" {
			return nil, pgerr.Newf(pgerr.InvalidParameterValue, `unrecognized parameter of a secret: "%s"`, o.Name).
				WithHint("A secret is kept in the catalog: backend = 'meta' is all there is to choose.").At(o.Pos())
		}
	}
	value, err := secretValue(stmt.Value, stmt.Pos())
	if err != nil {
		return nil, err
	}
	n := &catalog.Secret{Schema: sc.ID, Name: stmt.Name.Name, Owner: catalog.SuperuserID, Value: value}
	if r := b.env.Catalog.Role(b.env.User); r != nil {
		n.Owner = r.ID
	}
	return &physical.CreateSecret{Secret: n, IfNotExists: stmt.IfNotExists}, nil
}

// AlterSecret binds ALTER SECRET name AS 'value': what uses the secret begins anew with the value.
func (b *Binder) AlterSecret(stmt *ast.AlterSecret) (physical.DDL, error) {
	s := b.findSecret(stmt.Name)
	if s == nil && stmt.IfExists {
		b.notice(pgerr.SuccessfulCompletion, `secret "%s" does not exist, skipping`, stmt.Name.Name)
		return nil, nil
	}
	if s == nil {
		return nil, pgerr.Newf(pgerr.UndefinedObject, `secret "%s" does not exist`, stmt.Name)
	}
	n := *s
	var err error
	n.Value, err = secretValue(stmt.Value, stmt.Pos())
	return &physical.CreateSecret{Secret: &n}, err
}

func secretValue(e ast.Expr, pos int) (string, error) {
	v, ok := e.(*ast.Literal)
	if !ok || v.Kind != ast.LitString {
		return "", pgerr.New(pgerr.SyntaxError, "the value of a secret must be a string").At(pos)
	}
	return v.Text, nil
}

// findSecret finds the secret that a name means, or nil.
func (b *Binder) findSecret(n ast.ObjectName) *catalog.Secret {
	path := b.env.SearchPath
	if n.Schema != "" {
		path = []string{n.Schema}
	}
	for _, name := range path {
		if sc := b.env.Catalog.Schema(name); sc != nil {
			if found := b.env.Catalog.Secret(sc.ID, n.Name); found != nil {
				return found
			}
		}
	}
	return nil
}

// dropSecrets binds DROP SECRET. What uses a secret cannot go with it: a connector would be left without.
func (b *Binder) dropSecrets(stmt *ast.Drop) (physical.DDL, error) {
	out := &physical.DropSecrets{}
	for _, n := range stmt.Names {
		s := b.findSecret(n)
		if s == nil {
			if stmt.IfExists {
				b.notice(pgerr.SuccessfulCompletion, `secret "%s" does not exist, skipping`, n.Name)
				continue
			}
			return nil, pgerr.Newf(pgerr.UndefinedObject, `secret "%s" does not exist`, n)
		}
		if users := b.env.Catalog.SecretUsers(s.ID); len(users) > 0 {
			var lines []string
			for _, r := range users {
				lines = append(lines, b.describe(r)+" depends on secret "+s.Name)
			}
			return nil, pgerr.Newf(pgerr.DependentObjectsStillExist, "cannot drop secret %s because other objects depend on it", s.Name).
				WithDetail("%s", strings.Join(lines, "\n")).
				WithHint("Drop them first, or give them another secret: ALTER ... SET (... = SECRET name).")
		}
		out.IDs = append(out.IDs, s.ID)
	}
	if len(out.IDs) == 0 {
		return nil, nil
	}
	return out, nil
}

// secretOptions is optionMap that also takes SECRET name for a value.
func (b *Binder) secretOptions(opts []*ast.Option) (plain map[string]string, refs map[string]catalog.ID, err error) {
	var values []*ast.Option
	for _, o := range opts {
		ref, ok := o.Value.(*ast.ColumnRef)
		if !ok || len(ref.Parts) != 2 {
			values = append(values, o)
			continue
		}
		n := b.findSecret(ast.ObjectName{Name: ref.Parts[1]})
		if n == nil {
			return nil, nil, pgerr.Newf(pgerr.UndefinedObject, `secret "%s" does not exist`, ref.Parts[1]).
				WithHint("CREATE SECRET %s AS '...'.", ref.Parts[1]).At(o.Pos())
		}
		if _, twice := refs[o.Name]; twice {
			return nil, nil, pgerr.Newf(pgerr.DuplicateObject, `parameter "%s" specified more than once`, o.Name).At(o.Pos())
		}
		if refs == nil {
			refs = map[string]catalog.ID{}
		}
		refs[o.Name] = n.ID
	}
	if plain, err = optionMap(values); err != nil {
		return nil, nil, err
	}
	for name := range refs {
		if _, twice := plain[name]; twice {
			return nil, nil, pgerr.Newf(pgerr.DuplicateObject, `parameter "%s" specified more than once`, name)
		}
	}
	return plain, refs, nil
}
