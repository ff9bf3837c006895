package server

import (
	"net"
	"strconv"

	"github.com/millracedb/millrace/server/session"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgcatalog"
	"github.com/millracedb/millrace/sql/vec"
)

// live gives the system relations what only the running server knows. The engine is not there yet when it is made, but
// is when it is asked.
func (s *Server) live() pgcatalog.Live {
	return pgcatalog.Live{
		Activity:  s.activity,
		Settings:  session.Settings,
		RowErrors: func() *vec.Batch { return s.engine.Errors() },
		Sources:   s.sources,
		Sinks:     s.sinks,
		Jobs:      s.jobs,
		Operators: s.operators,
		Size:      func(id catalog.ID) (int64, int64) { return s.engine.RelationSize(id) },
	}
}

func (s *Server) activity() []pgcatalog.Activity {
	var out []pgcatalog.Activity
	for _, a := range s.hub.Activities() {
		host, port, _ := net.SplitHostPort(a.Client)
		p, _ := strconv.Atoi(port)
		out = append(out, pgcatalog.Activity{
			PID: a.PID, User: a.User, Application: a.Application, ClientAddr: host, ClientPort: p, State: a.State,
			Query: session.Shown(a.Query), Started: a.Started, XactStart: a.XactStart, QueryStart: a.QueryStart, StateChanged: a.Changed,
		})
	}
	return out
}

func (s *Server) sources() []pgcatalog.SourceState {
	var out []pgcatalog.SourceState
	for _, src := range s.engine.Sources() {
		base := pgcatalog.SourceState{
			Stream: src.Stream, Connector: src.Connector, State: string(src.Status.State),
			LastError: src.Status.LastError, LastErrorAt: src.Status.LastErrAt, Records: int64(src.Status.Records),
			Bytes: int64(src.Status.Bytes), BadRecords: int64(src.Status.BadRecords), Partition: -1,
			Paused: src.Paused, RateLimit: src.RateLimit,
		}
		seen := map[int32]bool{}
		for _, p := range src.Status.Partitions {
			row := base
			row.Partition, row.End, row.Committed, row.Rate, row.LastEvent = p.Partition, p.High, -1, p.Rate, p.LastEvent
			if p.Held != "" {
				row.State, row.LastError = "held", p.Held
			}
			if o, ok := src.Offsets[p.Partition]; ok {
				row.Committed = o
			}
			seen[p.Partition] = true
			out = append(out, row)
		}
		for p, o := range src.Offsets {
			if p >= 0 && !seen[p] { // below 0 the connector keeps notes of its own
				row := base
				row.Partition, row.Committed, row.End = p, o, -1
				out = append(out, row)
				seen[p] = true
			}
		}
		if len(seen) == 0 {
			out = append(out, base)
		}
	}
	return out
}

func (s *Server) sinks() []pgcatalog.SinkState {
	var out []pgcatalog.SinkState
	for _, k := range s.engine.Sinks() {
		out = append(out, pgcatalog.SinkState{
			Sink: k.Sink, From: k.From, Connector: k.Connector, Topic: k.Topic, State: string(k.Status.State),
			LastError: k.Status.LastError, LastErrorAt: k.Status.LastErrAt, Delivered: int64(k.Delivered),
			Epoch: int64(k.Epoch), Waiting: k.Waiting, WaitingBytes: k.Bytes, Sent: int64(k.Status.Sent),
			Paused: k.Paused, RateLimit: k.RateLimit,
		})
	}
	return out
}

func (s *Server) operators() []pgcatalog.Operator {
	var out []pgcatalog.Operator
	for _, o := range s.engine.Operators() {
		out = append(out, pgcatalog.Operator{View: o.View, Name: o.Name, Detail: o.Detail, Rows: o.Rows, Bytes: o.Bytes, Time: o.Time})
	}
	return out
}

func (s *Server) jobs() []pgcatalog.Job {
	var out []pgcatalog.Job
	for _, j := range s.engine.Jobs() {
		out = append(out, pgcatalog.Job{ID: j.ID, View: j.View, Rows: j.Rows, Total: j.Total, Started: j.Started})
	}
	return out
}
