package catalog

import (
	"maps"
	"slices"

	"github.com/millracedb/millrace/sql/pgerr"
)

// Builder makes a new snapshot from an old one. It is used by one goroutine; the base is not touched.
type Builder struct {
	s       *Snapshot
	changed bool
}

// Edit starts a change of s. It copies the tables of pointers, not the objects.
func (s *Snapshot) Edit() *Builder {
	c := *s
	c.rels, c.names = maps.Clone(s.rels), maps.Clone(s.names)
	c.schemas, c.roles = maps.Clone(s.schemas), maps.Clone(s.roles)
	c.users, c.secrets = maps.Clone(s.users), maps.Clone(s.secrets)
	return &Builder{s: &c}
}

// Done returns the new snapshot; the builder must not be used any more. Without changes the version stays.
func (b *Builder) Done() *Snapshot {
	if b.changed {
		b.s.version++
	}
	return b.s
}

// View is the state so far, for lookups. It changes with the builder: do not keep it.
func (b *Builder) View() *Snapshot { return b.s }

// AllocIDs reserves n consecutive ids, for objects and for the state tables of materialized views, and returns the
// first.
func (b *Builder) AllocIDs(n int) ID {
	id := b.s.nextID
	b.s.nextID += ID(n)
	b.changed = b.changed || n > 0
	return id
}

// PutRelation adds r, or replaces the relation with its id. The name must not be taken by another.
func (b *Builder) PutRelation(r *Relation) error {
	if old := b.s.Lookup(r.Schema, r.Name); old != nil && old.ID != r.ID {
		return pgerr.Newf(pgerr.DuplicateTable, `relation "%s" already exists`, r.Name)
	}
	if b.s.rels[r.ID] != nil {
		b.DropRelation(r.ID)
	}
	b.s.rels[r.ID] = r
	b.s.names[relName{r.Schema, r.Name}] = r.ID
	for _, d := range r.DependsOn {
		if !slices.Contains(b.s.users[d], r.ID) {
			b.s.users[d] = append(slices.Clip(b.s.users[d]), r.ID)
		}
	}
	b.reserve(r.ID)
	return nil
}

// DropRelation removes a user relation; an unknown id does nothing. Whether something depends on it is the caller's
// concern.
func (b *Builder) DropRelation(id ID) {
	r := b.s.rels[id]
	if r == nil {
		return
	}
	delete(b.s.rels, id)
	delete(b.s.names, relName{r.Schema, r.Name})
	for _, d := range r.DependsOn {
		left := slices.DeleteFunc(slices.Clone(b.s.users[d]), func(u ID) bool { return u == id })
		if len(left) == 0 {
			delete(b.s.users, d)
		} else {
			b.s.users[d] = left
		}
	}
	b.changed = true
}

// PutSchema adds n, or replaces the schema with its id.
func (b *Builder) PutSchema(n *Schema) error {
	if old := b.s.Schema(n.Name); old != nil && old.ID != n.ID {
		return pgerr.Newf(pgerr.DuplicateSchema, `schema "%s" already exists`, n.Name)
	}
	b.s.schemas[n.ID] = n
	b.reserve(n.ID)
	return nil
}

// DropSchema removes a user schema; its relations are the caller's concern.
func (b *Builder) DropSchema(id ID) {
	delete(b.s.schemas, id)
	b.changed = true
}

// PutSecret adds n, or replaces the secret with its id.
func (b *Builder) PutSecret(n *Secret) error {
	if old := b.s.Secret(n.Schema, n.Name); old != nil && old.ID != n.ID {
		return pgerr.Newf(pgerr.DuplicateObject, `secret "%s" already exists`, n.Name)
	}
	b.s.secrets[n.ID] = n
	b.reserve(n.ID)
	return nil
}

// DropSecret removes a secret; who uses it is the caller's concern.
func (b *Builder) DropSecret(id ID) {
	delete(b.s.secrets, id)
	b.changed = true
}

// PutRole adds r, or replaces the role with its id.
func (b *Builder) PutRole(r *Role) error {
	if old := b.s.Role(r.Name); old != nil && old.ID != r.ID {
		return pgerr.Newf(pgerr.DuplicateObject, `role "%s" already exists`, r.Name)
	}
	b.s.roles[r.ID] = r
	b.reserve(r.ID)
	return nil
}

// DropRole removes a role.
func (b *Builder) DropRole(id ID) {
	delete(b.s.roles, id)
	b.changed = true
}

// reserve makes sure that an id that was put is never handed out again.
func (b *Builder) reserve(id ID) {
	b.s.nextID = max(b.s.nextID, id+1)
	b.changed = true
}
