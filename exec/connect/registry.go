package connect

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
)

// Connector is one kind of outside system, as data.
type Connector struct {
	Name    string
	Doc     string
	Options []Option
	// Open makes a source. It checks everything that can be checked without the network: option values,
	// the format, columns it cannot fill.
	Open func(spec StreamSpec) (Source, error)
	// Probe asks the outside system whether the source could run: it is reached, and what is to be read is
	// there. CREATE STREAM runs it; it ends within its own bounds even where ctx has none.
	Probe func(ctx context.Context, spec StreamSpec) error
	// Infer finds the columns of a relation that names none; nil: it cannot. It ends within its own bounds.
	Infer func(ctx context.Context, spec StreamSpec) (*Inferred, error)
	// Sink makes sinks; nil: the connector reads only.
	Sink *SinkKind
}

// Option is a key of WITH (...).
type Option struct {
	Name     string
	Aliases  []string
	Doc      string
	Default  string // "": none
	Required bool
	Secret   bool     // its value is shown nowhere
	Values   []string // the allowed values in lower case, if they are few
}

// StreamOptions are the keys any stream may have beside its connector's; the planner reads them.
var StreamOptions = []Option{
	{Name: "connector", Doc: "the name of the connector that feeds the stream"},
	{Name: "retention", Doc: "how long rows are kept, an interval; 'forever' keeps them"},
	{Name: "on_error", Doc: "what a bad record does: 'skip' leaves an error row, 'stop' holds its partition, 'fail' also makes reads raise"},
	{Name: "rate_limit", Doc: "how many records are taken in a second at most"},
}

// Registry is the list of connectors of a server.
type Registry []*Connector

// Lookup returns the connector called name.
func (r Registry) Lookup(name string) (*Connector, error) {
	var known []string
	for _, c := range r {
		if c.Name == strings.ToLower(name) {
			return c, nil
		}
		known = append(known, c.Name)
	}
	slices.Sort(known)
	return nil, pgerr.Newf(pgerr.InvalidParameterValue, "unrecognized connector %q", name).
		WithHint("Connectors of this server: %s.", strings.Join(known, ", "))
}

// Validate checks everything about a stream, or a table, that can be checked without the network: the binder calls it.
// The options are those given, its own and the connector's, with secrets revealed.
func (r Registry) Validate(rel *catalog.Relation) error {
	c, spec, err := r.Spec(rel)
	if err != nil {
		return err
	}
	src, err := c.Open(spec)
	if err != nil {
		return err
	}
	src.Close()
	return nil
}

// Spec is what the connector of a stream or table is told about it. The options have their secrets revealed.
func (r Registry) Spec(rel *catalog.Relation) (*Connector, StreamSpec, error) {
	spec := StreamSpec{Name: rel.Name, Columns: rel.Columns, StopOnError: rel.OnErrorStop, RateLimit: rel.RateLimit}
	if rel.Kind == catalog.Table {
		spec.PrimaryKey = rel.PrimaryKey
	}
	if rel.Format != nil {
		spec.Format = *rel.Format
	}
	c, err := r.Lookup(rel.Options["connector"])
	if err == nil {
		spec.Options, err = c.Check(rel.Options)
	}
	return c, spec, err
}

// Check reads WITH (...): it refuses unknown, doubled and missing options by name, and returns the
// connector's own ones under their full names with defaults filled in.
func (c *Connector) Check(with map[string]string) (map[string]string, error) {
	out := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(with)) {
		if slices.ContainsFunc(StreamOptions, func(o Option) bool { return o.Name == key }) {
			continue
		}
		o := c.option(key)
		if o == nil {
			return nil, pgerr.Newf(pgerr.InvalidParameterValue, "unrecognized parameter %q", key).
				WithHint("Parameters of connector %s: %s.", c.Name, strings.Join(c.names(), ", "))
		}
		if _, twice := out[o.Name]; twice {
			return nil, pgerr.Newf(pgerr.SyntaxError, "conflicting or redundant options").
				WithDetail("%q is another name of %q.", key, o.Name)
		}
		value := with[key]
		if o.Values != nil {
			value = strings.ToLower(value)
			if !slices.Contains(o.Values, value) {
				return nil, pgerr.Newf(pgerr.InvalidParameterValue, "invalid value for parameter %q: %q", key, with[key]).
					WithHint("Available values: %s.", strings.Join(o.Values, ", "))
			}
		}
		out[o.Name] = value
	}
	for _, o := range c.Options {
		if _, given := out[o.Name]; given {
			continue
		}
		if o.Required {
			return nil, pgerr.Newf(pgerr.InvalidParameterValue, "connector %s needs the parameter %q", c.Name, o.Name).
				WithHint("%s: %s.", o.Name, o.Doc)
		}
		if o.Default != "" {
			out[o.Name] = o.Default
		}
	}
	return out, nil
}

func (c *Connector) option(key string) *Option {
	for i := range c.Options {
		if o := &c.Options[i]; o.Name == key || slices.Contains(o.Aliases, key) {
			return o
		}
	}
	return nil
}

func (c *Connector) names() []string {
	var names []string
	for _, o := range slices.Concat(c.Options, StreamOptions) {
		names = append(names, o.Name)
	}
	slices.Sort(names)
	return names
}
