package catalog

import (
	"maps"
	"slices"
)

// Column returns the number of the column of that name, or -1.
func (r *Relation) Column(name string) int {
	return slices.IndexFunc(r.Columns, func(c Column) bool { return c.Name == name })
}

// Clone returns a copy whose columns, options and constraints may be changed without changing r.
func (r *Relation) Clone() *Relation {
	c := *r
	c.Columns = slices.Clone(r.Columns)
	c.Uniques = slices.Clone(r.Uniques)
	c.Checks = slices.Clone(r.Checks)
	c.DependsOn = slices.Clone(r.DependsOn)
	c.Options, c.Secrets = maps.Clone(r.Options), maps.Clone(r.Secrets)
	return &c
}

// Writable reports whether INSERT and COPY may add rows to the relation.
func (r *Relation) Writable() bool { return r.Kind == Stream || r.Kind == Table }
