package catalog

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/millracedb/millrace/sql/pgerr"
)

// formatVersion is the version of the encoding. A reader refuses a newer one; fields may be added within a version.
const formatVersion = 1

// encoded is the stored form: the user objects, ascending by id.
type encoded struct {
	Format    int
	Version   uint64
	NextID    ID
	Schemas   []*Schema
	Roles     []*Role
	Secrets   []*Secret `json:",omitempty"`
	Relations []*Relation
}

// Encode returns the snapshot's user objects as JSON.
func (s *Snapshot) Encode() ([]byte, error) {
	e := encoded{Format: formatVersion, Version: s.version, NextID: s.nextID, Relations: s.Relations()}
	for _, id := range slices.Sorted(maps.Keys(s.schemas)) {
		e.Schemas = append(e.Schemas, s.schemas[id])
	}
	for _, id := range slices.Sorted(maps.Keys(s.roles)) {
		e.Roles = append(e.Roles, s.roles[id])
	}
	for _, id := range slices.Sorted(maps.Keys(s.secrets)) {
		e.Secrets = append(e.Secrets, s.secrets[id])
	}
	return json.Marshal(e)
}

// Decode is the inverse of Encode. The system relations and schemas are this binary's.
func Decode(data []byte, systemRelations []*Relation, systemSchemas ...*Schema) (*Snapshot, error) {
	var e encoded
	if err := json.Unmarshal(data, &e); err != nil {
		return nil, pgerr.Newf(pgerr.DataCorrupted, "catalog cannot be read: %v", err)
	}
	if e.Format < 1 || e.Format > formatVersion {
		return nil, pgerr.Newf(pgerr.FeatureNotSupported, "catalog has format %d, this version reads up to %d",
			e.Format, formatVersion)
	}
	b := &Builder{s: empty(systemRelations, systemSchemas)}
	if err := b.load(&e); err != nil {
		return nil, pgerr.Newf(pgerr.DataCorrupted, "catalog is damaged: %v", err)
	}
	s := b.s
	s.version, s.nextID = e.Version, max(e.NextID, s.nextID)
	return s, nil
}

func (b *Builder) load(e *encoded) error {
	for _, n := range e.Schemas {
		if err := b.PutSchema(n); err != nil {
			return err
		}
	}
	for _, r := range e.Roles {
		if err := b.PutRole(r); err != nil {
			return err
		}
	}
	for _, n := range e.Secrets {
		if err := b.PutSecret(n); err != nil {
			return err
		}
	}
	for _, r := range e.Relations {
		if b.s.SchemaByID(r.Schema) == nil {
			return fmt.Errorf("relation %q is in no schema", r.Name)
		}
		if err := b.PutRelation(r); err != nil {
			return err
		}
	}
	return nil
}
