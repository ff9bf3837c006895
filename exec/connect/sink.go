package connect

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

// Sink writes the changes of one relation to an outside system.
//
// The engine calls Run on a goroutine of its own, once; Status may be called by any goroutine at any time between Open
// and Close, Close after Run has returned (or instead of Run).
type Sink interface {
	// Run delivers what q has, in order, until ctx ends, when it returns nil. It waits, for as long as it takes, for a
	// system that is away. An error is final for this sink (it was fenced by another one, access was taken away): Run is
	// not called again until the server starts again.
	Run(ctx context.Context, q Queue) error
	Status() SinkStatus
	Close()
}

// Queue is the engine's side: the changes that are not delivered yet, in the order of epochs. It is durable as the
// relation is: after a crash it has again, at the same positions, what was not Delivered.
type Queue interface {
	// Next returns the changes at pos and behind, or nil if there are none now. They are valid until the following call.
	Next(pos Position) (*Changes, error)
	// Wait returns when there may be changes at pos, or ctx's error.
	Wait(ctx context.Context, pos Position) error
	// Delivered tells that everything before pos has arrived: the queue forgets it. Another goroutine may call it.
	Delivered(ctx context.Context, pos Position) error
}

// Position is a place in a queue: in front of change number Change of an epoch. Where an epoch has no such change, it is
// in front of what follows. The zero Position is the beginning.
type Position struct {
	Epoch  uint64
	Change int64
}

// Less reports whether p is before o.
func (p Position) Less(o Position) bool {
	return p.Epoch < o.Epoch || p.Epoch == o.Epoch && p.Change < o.Change
}

// Changes are changes of one epoch: all of them, or a part of many.
type Changes struct {
	Epoch    uint64
	Rows     *vec.Batch // all columns; the weights mean nothing here
	List     []Change
	At, Next Position // in front of the first one, and behind the last
	// Snapshot: the rows are those that the relation had when the sink was made.
	Snapshot bool
	// Split: the epoch goes on behind them. Kept: a sink may make a Position inside the epoch durable, since the queue
	// has it in this order after a crash, too. One that is not Kept has to be delivered as a whole.
	Split, Kept bool
}

// Change is the net change of one key in one epoch; of one row, if the relation has no key.
type Change struct{ Before, After int32 } // rows of Changes.Rows; -1: none

// SinkStatus is what a sink itself adds to millrace.sinks.
type SinkStatus struct {
	State     State
	LastError string
	LastErrAt time.Time
	Sent      uint64 // changes delivered by this Sink
}

// SinkSpec is what a connector is told about a sink.
type SinkSpec struct {
	Name     string
	Relation string // whose changes are sent
	Identity string // of this sink in the world: no other sink of any database has it, this one always
	Columns  []catalog.Column
	Key      []int             // key columns; nil: none
	Options  map[string]string // as Connector.CheckSink returned them
	Format   catalog.Format
}

// SinkKind is the part of a Connector that makes sinks.
type SinkKind struct {
	Options []Option
	// Open makes a sink. It checks everything that can be checked without the network.
	Open func(spec SinkSpec) (Sink, error)
	// Probe asks the outside system whether the sink could run, and makes there what the options say is to be made.
	// CREATE SINK runs it; it ends within its own bounds.
	Probe func(ctx context.Context, spec SinkSpec) error
}

// SinkOptions are the keys any sink may have beside its connector's; the planner reads them.
var SinkOptions = []Option{
	{Name: "connector", Doc: "the name of the connector"},
	{Name: "snapshot", Default: "true", Values: []string{"true", "false"}, Doc: "whether the rows that are there come first"},
	{Name: "primary_key", Doc: "the columns that identify a row, divided by commas, where none are known or others are wanted"},
	{Name: "queue_limit", Default: "256MB", Doc: "how much may wait for delivery beside the first snapshot before the sink is given up, such as '1GB'"},
	{Name: "rate_limit", Default: "0", Doc: "changes a second at most; 0: no limit"},
}

// CheckSink reads WITH (...) of a sink, as Check does for a stream.
func (c *Connector) CheckSink(with map[string]string) (map[string]string, error) {
	if c.Sink == nil {
		return nil, pgerr.Newf(pgerr.FeatureNotSupported, "connector %s makes no sinks", c.Name)
	}
	own := &Connector{Name: c.Name, Options: slices.Concat(c.Sink.Options, SinkOptions)}
	for _, key := range slices.Sorted(maps.Keys(with)) {
		if own.option(key) == nil { // Check passes over the options of streams
			var names []string
			for _, o := range own.Options {
				names = append(names, o.Name)
			}
			slices.Sort(names)
			return nil, pgerr.Newf(pgerr.InvalidParameterValue, "unrecognized parameter %q", key).
				WithHint("Parameters of a sink with connector %s: %s.", c.Name, strings.Join(names, ", "))
		}
	}
	return own.Check(with)
}

// ValidateSink checks everything about a sink, with its secrets revealed, that can be checked without the network: the
// binder calls it.
func (r Registry) ValidateSink(rel *catalog.Relation) error {
	if rel.Connector == "" {
		return pgerr.New(pgerr.InvalidParameterValue, "a sink needs the parameter \"connector\"").
			WithHint("For example WITH (connector = 'kafka', topic = '...', properties.bootstrap.server = '...').")
	}
	c, err := r.Lookup(rel.Connector)
	if err != nil {
		return err
	}
	spec := SinkSpec{Name: rel.Name, Columns: rel.Columns, Key: rel.Sink.Key, Format: *rel.Format}
	if spec.Options, err = c.CheckSink(rel.Options); err != nil {
		return err
	}
	s, err := c.Sink.Open(spec)
	if err != nil {
		return err
	}
	s.Close()
	return nil
}
