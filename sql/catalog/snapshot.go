package catalog

import (
	"maps"
	"slices"
	"strings"
)

// Ids that PostgreSQL fixes, and names that a new database has.
const (
	PgCatalogID ID = 11
	PublicID    ID = 2200 // schema public
	SuperuserID ID = 10   // role millrace

	PgCatalog     = "pg_catalog"
	PublicSchema  = "public"
	SuperuserName = "millrace"
)

// Snapshot is the catalog at one moment. It is immutable and may be used from any goroutine.
type Snapshot struct {
	sys     *system
	version uint64
	nextID  ID
	rels    map[ID]*Relation
	names   map[relName]ID
	schemas map[ID]*Schema
	roles   map[ID]*Role
	secrets map[ID]*Secret
	// users lists the user relations that read an object: the inverse of DependsOn.
	users map[ID][]ID
}

type relName struct {
	schema ID
	name   string
}

// system is the part that is compiled in, shared by all snapshots.
type system struct {
	rels    map[ID]*Relation
	names   map[relName]ID
	schemas map[ID]*Schema
	sorted  []*Relation
}

// New returns the catalog of a new database: the system relations and schemas given, schema public and the superuser.
func New(systemRelations []*Relation, systemSchemas ...*Schema) *Snapshot {
	s := empty(systemRelations, systemSchemas)
	s.schemas[PublicID] = &Schema{ID: PublicID, Name: PublicSchema, Owner: SuperuserID, Comment: "standard public schema"}
	s.roles[SuperuserID] = &Role{ID: SuperuserID, Name: SuperuserName, Super: true, Login: true}
	s.version = 1
	return s
}

func empty(rels []*Relation, schemas []*Schema) *Snapshot {
	sys := &system{
		rels:    make(map[ID]*Relation, len(rels)),
		names:   make(map[relName]ID, len(rels)),
		schemas: make(map[ID]*Schema, len(schemas)),
		sorted:  slices.Clone(rels),
	}
	for _, r := range rels {
		sys.rels[r.ID] = r
		sys.names[relName{r.Schema, r.Name}] = r.ID
	}
	slices.SortFunc(sys.sorted, byID)
	for _, n := range schemas {
		sys.schemas[n.ID] = n
	}
	return &Snapshot{
		sys: sys, nextID: FirstUserID,
		rels: map[ID]*Relation{}, names: map[relName]ID{}, schemas: map[ID]*Schema{}, roles: map[ID]*Role{},
		secrets: map[ID]*Secret{}, users: map[ID][]ID{},
	}
}

func byID(a, b *Relation) int { return int(int64(a.ID) - int64(b.ID)) }

// Version is the number of the snapshot; it grows with every change.
func (s *Snapshot) Version() uint64 { return s.version }

// NextID is the id the next new object gets.
func (s *Snapshot) NextID() ID { return s.nextID }

// Relation returns the relation with an id, or nil.
func (s *Snapshot) Relation(id ID) *Relation {
	if r := s.rels[id]; r != nil {
		return r
	}
	return s.sys.rels[id]
}

// Lookup returns the relation of that name in a schema, or nil. It also finds one that is being filled.
func (s *Snapshot) Lookup(schema ID, name string) *Relation {
	if id, ok := s.names[relName{schema, name}]; ok {
		return s.rels[id]
	}
	if id, ok := s.sys.names[relName{schema, name}]; ok {
		return s.sys.rels[id]
	}
	return nil
}

// Resolve returns the relation that an unqualified name means: the first in the schemas of the search path that exist.
// As in PostgreSQL pg_catalog comes first unless the path names it. A relation that is being filled is passed over.
func (s *Snapshot) Resolve(searchPath []string, name string) *Relation {
	if !slices.Contains(searchPath, PgCatalog) {
		if r := s.Lookup(PgCatalogID, name); r != nil {
			return r
		}
	}
	for _, n := range searchPath {
		sc := s.Schema(n)
		if sc == nil {
			continue
		}
		if r := s.Lookup(sc.ID, name); r != nil && !r.Backfilling {
			return r
		}
	}
	return nil
}

// Relations returns the user relations in the order of their ids, which is the order of their creation.
func (s *Snapshot) Relations() []*Relation {
	return slices.SortedFunc(maps.Values(s.rels), byID)
}

// SystemRelations returns the compiled-in relations in the order of their ids. It must not be changed.
func (s *Snapshot) SystemRelations() []*Relation { return s.sys.sorted }

// InSchema returns the user relations of a schema, in the order of their ids.
func (s *Snapshot) InSchema(id ID) []*Relation {
	var out []*Relation
	for _, r := range s.rels {
		if r.Schema == id {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, byID)
	return out
}

// Dependents returns the user relations that read relation id (views over it, tables whose defaults use it), in the
// order of their ids. It is not transitive.
func (s *Snapshot) Dependents(id ID) []*Relation {
	var out []*Relation
	for _, u := range s.users[id] {
		out = append(out, s.rels[u])
	}
	slices.SortFunc(out, byID)
	return out
}

// Schema returns the schema of that name, or nil.
func (s *Snapshot) Schema(name string) *Schema {
	for _, n := range s.schemas {
		if n.Name == name {
			return n
		}
	}
	for _, n := range s.sys.schemas {
		if n.Name == name {
			return n
		}
	}
	return nil
}

// SchemaByID returns the schema with an id, or nil.
func (s *Snapshot) SchemaByID(id ID) *Schema {
	if n := s.schemas[id]; n != nil {
		return n
	}
	return s.sys.schemas[id]
}

// IsSystemSchema reports whether the schema is compiled in, so that nothing can be made in it.
func (s *Snapshot) IsSystemSchema(id ID) bool { return s.sys.schemas[id] != nil }

// Schemas returns all schemas, by name.
func (s *Snapshot) Schemas() []*Schema {
	out := slices.AppendSeq(slices.Collect(maps.Values(s.schemas)), maps.Values(s.sys.schemas))
	slices.SortFunc(out, func(a, b *Schema) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Role returns the role of that name, or nil.
func (s *Snapshot) Role(name string) *Role {
	for _, r := range s.roles {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// RoleByID returns the role with an id, or nil.
func (s *Snapshot) RoleByID(id ID) *Role { return s.roles[id] }

// Roles returns all roles, by name.
func (s *Snapshot) Roles() []*Role {
	out := slices.Collect(maps.Values(s.roles))
	slices.SortFunc(out, func(a, b *Role) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// QualifiedName is schema.name as messages show it.
func (s *Snapshot) QualifiedName(r *Relation) string {
	if sc := s.SchemaByID(r.Schema); sc != nil {
		return sc.Name + "." + r.Name
	}
	return r.Name
}
