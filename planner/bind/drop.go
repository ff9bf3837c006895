package bind

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
)

// relationKinds are the kinds of relations that DROP, ALTER, COMMENT and TRUNCATE name.
var relationKinds = map[ast.ObjectKind]catalog.Kind{
	ast.ObjTable: catalog.Table, ast.ObjStream: catalog.Stream, ast.ObjSource: catalog.Stream, ast.ObjView: catalog.View,
	ast.ObjMaterializedView: catalog.MatView, "SEQUENCE": catalog.Sequence,
	ast.ObjSink: catalog.Sink,
}

// a is "a" or "an" with the noun.
func a(noun string) string { return "a " + noun }

// namedRelation finds the relation that a statement calls word; nil if it does not exist and need not.
func (b *Binder) namedRelation(word string, n ast.ObjectName, ifExists bool) (*catalog.Relation, error) {
	rel, err := b.findRelation(n)
	if err != nil {
		return nil, err
	}
	if rel == nil {
		if ifExists {
			if n.Schema != "" && b.env.Catalog.Schema(n.Schema) == nil {
				b.notice(pgerr.SuccessfulCompletion, `schema "%s" does not exist, skipping`, n.Schema)
			} else {
				b.notice(pgerr.SuccessfulCompletion, `%s "%s" does not exist, skipping`, word, n.Name)
			}
			return nil, nil
		}
		if n.Schema != "" && b.env.Catalog.Schema(n.Schema) == nil {
			return nil, pgerr.Newf(pgerr.InvalidSchemaName, `schema "%s" does not exist`, n.Schema)
		}
		return nil, pgerr.Newf(pgerr.UndefinedTable, `%s "%s" does not exist`, word, n)
	}
	if rel.Kind == catalog.System {
		return nil, pgerr.Newf(pgerr.InsufficientPrivilege, `permission denied: "%s" is a system catalog`, rel.Name)
	}
	return rel, nil
}

func wrongKind(rel *catalog.Relation, want catalog.Kind, verb string) error {
	e := pgerr.Newf(pgerr.WrongObjectType, `"%s" is not %s`, rel.Name, a(string(want)))
	if verb == "" {
		return e
	}
	return e.WithHint("Use %s %s to remove %s.", verb, strings.ToUpper(string(rel.Kind)), a(string(rel.Kind)))
}

// Drop binds DROP. A nil result (with notices) has nothing to do.
func (b *Binder) Drop(stmt *ast.Drop) (physical.DDL, error) {
	switch stmt.Kind {
	case ast.ObjSchema:
		return b.dropSchemas(stmt)
	case ast.ObjRole, "USER", "GROUP":
		return b.dropRole(stmt)
	case ast.ObjSecret:
		return b.dropSecrets(stmt)
	}
	want, ok := relationKinds[stmt.Kind]
	if !ok {
		return b.dropOther(stmt)
	}
	d := &dropper{b: b}
	for _, n := range stmt.Names {
		rel, err := b.namedRelation(string(want), n, stmt.IfExists)
		if err != nil {
			return nil, err
		}
		if rel == nil {
			continue
		}
		if rel.Kind != want {
			return nil, wrongKind(rel, want, "DROP")
		}
		if rel.Seq != nil && rel.Seq.OwnedBy != 0 {
			if err := b.ownedSequence(rel, stmt.Cascade); err != nil {
				return nil, err
			}
		}
		d.want = append(d.want, rel)
	}
	return d.run(stmt.Cascade)
}

// ownedSequence refuses to drop the sequence behind a serial or identity column alone.
func (b *Binder) ownedSequence(seq *catalog.Relation, cascade bool) error {
	owner := b.env.Catalog.Relation(seq.Seq.OwnedBy)
	if owner == nil {
		return nil
	}
	if cascade {
		return pgerr.Unsupported("DROP SEQUENCE ... CASCADE of a sequence that a column owns")
	}
	return pgerr.Newf(pgerr.DependentObjectsStillExist, "cannot drop sequence %s because other objects depend on it", seq.Name).
		WithDetail("default value for column %s of table %s depends on sequence %s", owner.Columns[seq.Seq.OwnedCol].Name, owner.Name, seq.Name).
		WithHint("Use DROP ... CASCADE to drop the dependent objects too.")
}

// dropOther answers DROP of what cannot exist here.
func (b *Binder) dropOther(stmt *ast.Drop) (physical.DDL, error) {
	word := strings.ToLower(string(stmt.Kind))
	n := stmt.Names[0]
	if stmt.IfExists {
		b.notice(pgerr.SuccessfulCompletion, `%s "%s" does not exist, skipping`, word, n.Name)
		return nil, nil
	}
	switch stmt.Kind {
	case ast.ObjIndex:
		return nil, pgerr.Newf(pgerr.UndefinedObject, `index "%s" does not exist`, n.Name)
	case "FUNCTION", "TYPE", "DOMAIN", "TRIGGER", "EXTENSION", "PROCEDURE", "AGGREGATE":
		return nil, pgerr.Newf(pgerr.UndefinedObject, `%s "%s" does not exist`, word, n.Name)
	}
	return nil, pgerr.Unsupported("DROP " + string(stmt.Kind)).At(stmt.Pos())
}

// dropper collects what a DROP takes with it.
type dropper struct {
	b       *Binder
	want    []*catalog.Relation
	order   []catalog.ID // dependents first
	details []string
	casc    []string
}

// run decides by RESTRICT or CASCADE.
func (d *dropper) run(cascade bool) (physical.DDL, error) {
	for _, r := range d.want {
		d.visit(r)
	}
	if len(d.details) > 0 && !cascade {
		msg := "cannot drop desired object(s) because other objects depend on them"
		if len(d.want) == 1 {
			msg = fmt.Sprintf("cannot drop %s because other objects depend on it", d.b.describe(d.want[0]))
		}
		return nil, pgerr.New(pgerr.DependentObjectsStillExist, msg).WithDetail("%s", strings.Join(d.details, "\n")).
			WithHint("Use DROP ... CASCADE to drop the dependent objects too.")
	}
	if len(d.order) == 0 {
		return nil, nil
	}
	return &physical.Drop{Relations: d.order, Cascaded: d.casc}, nil
}

// visit puts r into the order behind everything that depends on it.
func (d *dropper) visit(r *catalog.Relation) {
	if slices.Contains(d.order, r.ID) {
		return
	}
	for _, dep := range d.b.env.Catalog.Dependents(r.ID) {
		wanted := slices.Contains(d.want, dep)
		if !wanted {
			line := fmt.Sprintf("%s depends on %s", d.b.describe(dep), d.b.describe(r))
			if !slices.Contains(d.details, line) {
				d.details = append(d.details, line)
			}
			if name := d.b.describe(dep); !slices.Contains(d.casc, name) {
				d.casc = append(d.casc, name)
			}
		}
		d.visit(dep)
	}
	d.order = append(d.order, r.ID)
}

// describe names a relation with its kind, its schema only where the search path does not find it.
func (b *Binder) describe(r *catalog.Relation) string {
	name := r.Name
	if found := b.env.Catalog.Resolve(b.env.SearchPath, r.Name); found == nil || found.ID != r.ID {
		name = b.env.Catalog.QualifiedName(r)
	}
	return string(r.Kind) + " " + name
}

func (b *Binder) dropSchemas(stmt *ast.Drop) (physical.DDL, error) {
	out := &physical.Drop{}
	d := &dropper{b: b}
	for _, n := range stmt.Names {
		sc := b.env.Catalog.Schema(n.Name)
		switch {
		case sc == nil && stmt.IfExists:
			b.notice(pgerr.SuccessfulCompletion, `schema "%s" does not exist, skipping`, n.Name)
			continue
		case sc == nil:
			return nil, pgerr.Newf(pgerr.InvalidSchemaName, `schema "%s" does not exist`, n.Name)
		case b.env.Catalog.IsSystemSchema(sc.ID):
			return nil, pgerr.Newf(pgerr.DependentObjectsStillExist, "cannot drop schema %s because it is required by the database system", n.Name)
		}
		out.Schemas = append(out.Schemas, sc.ID)
		for _, r := range b.env.Catalog.InSchema(sc.ID) {
			if r.Seq != nil && r.Seq.OwnedBy != 0 {
				continue // goes with its table
			}
			d.details = append(d.details, fmt.Sprintf("%s depends on schema %s", b.describe(r), sc.Name))
			d.casc = append(d.casc, b.describe(r))
			d.visit(r)
		}
		for _, s := range b.env.Catalog.SecretsIn(sc.ID) {
			d.details = append(d.details, fmt.Sprintf("secret %s depends on schema %s", s.Name, sc.Name))
			d.casc = append(d.casc, "secret "+s.Name)
			out.Secrets = append(out.Secrets, s.ID)
		}
	}
	if len(out.Schemas) == 0 {
		return nil, nil
	}
	if len(d.details) > 0 && !stmt.Cascade {
		return nil, pgerr.Newf(pgerr.DependentObjectsStillExist, "cannot drop schema %s because other objects depend on it", stmt.Names[0].Name).
			WithDetail("%s", strings.Join(d.details, "\n")).WithHint("Use DROP ... CASCADE to drop the dependent objects too.")
	}
	if err := d.secretsInUse(stmt.Names[0].Name, out.Secrets); err != nil {
		return nil, err
	}
	out.Relations, out.Cascaded = d.order, d.casc
	return out, nil
}

// secretsInUse refuses to drop secrets with their schema that relations use which stay.
func (d *dropper) secretsInUse(schema string, secrets []catalog.ID) error {
	var lines []string
	for _, id := range secrets {
		for _, r := range d.b.env.Catalog.SecretUsers(id) {
			if !slices.Contains(d.order, r.ID) {
				lines = append(lines, d.b.describe(r)+" depends on secret "+d.b.env.Catalog.SecretByID(id).Name)
			}
		}
	}
	if lines == nil {
		return nil
	}
	return pgerr.Newf(pgerr.DependentObjectsStillExist, "cannot drop schema %s because other objects depend on it", schema).
		WithDetail("%s", strings.Join(lines, "\n")).
		WithHint("Drop them first, or give them another secret: ALTER ... SET (... = SECRET name).")
}

// Truncate binds TRUNCATE.
func (b *Binder) Truncate(stmt *ast.Truncate) (physical.DDL, error) {
	out := &physical.Truncate{RestartIdentity: stmt.RestartIdentity}
	for _, n := range stmt.Names {
		rel, err := b.Relation(n)
		if err != nil {
			return nil, unplaced(err)
		}
		if rel.Kind != catalog.Table && rel.Kind != catalog.Stream {
			return nil, pgerr.Newf(pgerr.WrongObjectType, `"%s" is not a table`, rel.Name)
		}
		if rel.Kind == catalog.Table && rel.Connector != "" {
			return nil, fedByConnector(rel, "truncate")
		}
		if !slices.Contains(out.Relations, rel.ID) {
			out.Relations = append(out.Relations, rel.ID)
		}
	}
	return out, nil
}
