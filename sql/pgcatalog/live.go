package pgcatalog

import (
	"time"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// Live is what the running server tells. The server fills it; a nil function has nothing to tell.
type Live struct {
	Activity func() []Activity
	Settings func(setting func(name string) (string, bool)) []Setting
	// RowErrors: relation id, SQLSTATE, message, data, topic, partition (-1: no record's), offset, key, first epoch, count.
	RowErrors func() *vec.Batch
	Sources   func() []SourceState
	Sinks     func() []SinkState
	Jobs      func() []Job
	Operators func() []Operator
	// Size is rows and bytes of a relation; -1: unknown.
	Size func(catalog.ID) (rows, bytes int64)
}

// millraceRelations is the schema millrace.
var millraceRelations = []relationDef{
	{16010, "errors", `relation text, relation_id oid, sqlstate text, message text, data text, topic text,
		partition int4, record_offset int8, record_key text, first_epoch int8, count int8`},
	{16011, "relations", `id oid, schema name, name name, kind text, state text, rows int8, bytes int8, created_epoch int8,
		connector text, definition text, comment text`},
	{16012, "sources", `id oid, schema name, name name, connector text, state text, last_error text, last_error_at timestamptz,
		partition int4, committed_offset int8, end_offset int8, lag int8, records int8, bytes int8, bad_records int8,
		records_per_second float8, last_event_at timestamptz, paused bool, rate_limit int8`},
	{16013, "sinks", `id oid, schema name, name name, relation text, connector text, topic text, state text, delivered_epoch int8,
		lag_epochs int8, waiting_changes int8, waiting_bytes int8, delivered_changes int8, last_error text, last_error_at timestamptz,
		paused bool, rate_limit int8`},
	{16014, "jobs", `id int8, kind text, relation text, state text, rows_done int8, rows_total int8, progress float8,
		started_at timestamptz`},
	{16015, "operators", `view_id oid, view text, operator text, detail text, rows int8, bytes int8, time_ms float8`},
	{16016, "settings", `name text, setting text, unit text, context text, description text, inert bool`},
}

// Activity is a row of pg_stat_activity.
type Activity struct {
	PID                                          uint32
	User, Application, ClientAddr, State, Query  string
	ClientPort                                   int
	Started, XactStart, QueryStart, StateChanged time.Time
}

// Setting is a row of pg_settings.
type Setting struct {
	Name, Value, Unit, Category, Desc, Context, Kind, Min, Max, Boot, Reset, Source string
	Enum                                                                            []string
	Inert                                                                           bool
}

// SourceState is a row of millrace.sources: one partition of a connector stream, or a stream that has none yet (-1).
type SourceState struct {
	Stream                      catalog.ID
	Connector, State, LastError string
	LastErrorAt                 time.Time
	Partition                   int32
	Committed, End              int64 // -1: unknown
	Records, Bytes, BadRecords  int64
	Rate                        float64 // records a second
	LastEvent                   time.Time
	Paused                      bool
	RateLimit                   int64 // 0: none
}

// SinkState is a row of millrace.sinks.
type SinkState struct {
	Sink, From                         catalog.ID // From: 0 if it has a query
	Connector, Topic, State, LastError string
	LastErrorAt                        time.Time
	Delivered, Epoch                   int64 // epochs
	Waiting, WaitingBytes, Sent        int64
	Paused                             bool
	RateLimit                          int64 // 0: none
}

// Job is a row of millrace.jobs.
type Job struct {
	ID          int64
	View        string
	Rows, Total int64
	Started     time.Time
}

// Operator is a row of millrace.operators. Negative numbers: not known.
type Operator struct {
	View         catalog.ID
	Name, Detail string
	Rows, Bytes  int64
	Time         time.Duration
}

func (l *Live) fillers() map[string]func(*writer) {
	return map[string]func(*writer){
		"pg_stat_activity": l.fillActivity, "pg_settings": l.fillSettings,
		"errors": l.fillErrors, "relations": l.fillRelations, "sources": l.fillSources, "sinks": l.fillSinks, "jobs": l.fillJobs,
		"operators": l.fillOperators, "settings": l.fillMillraceSettings,
	}
}

// stamp is a time as a timestamptz value; null if there is none.
func stamp(t time.Time) value {
	if t.IsZero() {
		return value{null: true}
	}
	const epoch = 946684800 // 2000-01-01
	return num(t.UnixMicro() - epoch*1e6)
}

func atLeast0(n int64) value { return value{i: n, null: n < 0} }

func (l *Live) fillActivity(w *writer) {
	if l.Activity == nil {
		return
	}
	for _, a := range l.Activity() {
		v := row{"datid": num(databaseOID), "datname": str(DatabaseName), "pid": num(a.PID), "usename": str(a.User),
			"application_name": str(a.Application), "client_addr": orNull(a.ClientAddr), "client_port": num(a.ClientPort),
			"backend_start": stamp(a.Started), "xact_start": stamp(a.XactStart), "query_start": stamp(a.QueryStart),
			"state_change": stamp(a.StateChanged), "state": str(a.State), "query": str(a.Query),
			"backend_type": str("client backend")}
		if r := w.cat.Role(a.User); r != nil {
			v["usesysid"] = num(r.ID)
		}
		if a.State != "active" {
			v["wait_event_type"], v["wait_event"] = str("Client"), str("ClientRead")
		}
		w.add(v)
	}
}

func (l *Live) settings(w *writer) []Setting {
	if l.Settings == nil || w.fc == nil || w.fc.Sys == nil {
		return nil
	}
	return l.Settings(w.fc.Sys.Setting)
}

func (l *Live) fillSettings(w *writer) {
	for _, s := range l.settings(w) {
		v := row{"name": str(s.Name), "setting": str(s.Value), "unit": orNull(s.Unit), "category": str(s.Category),
			"short_desc": str(s.Desc), "context": str(s.Context), "vartype": str(s.Kind), "source": str(s.Source),
			"min_val": orNull(s.Min), "max_val": orNull(s.Max), "boot_val": str(s.Boot), "reset_val": str(s.Reset),
			"pending_restart": yes(false)}
		if s.Enum != nil {
			quoted := make([]string, len(s.Enum))
			for i, e := range s.Enum {
				quoted[i] = `"` + e + `"`
			}
			v["enumvals"] = array(quoted...)
		}
		w.add(v)
	}
}

func (l *Live) fillMillraceSettings(w *writer) {
	for _, s := range l.settings(w) {
		w.add(row{"name": str(s.Name), "setting": str(s.Value), "unit": orNull(s.Unit), "context": str(s.Context),
			"description": str(s.Desc), "inert": yes(s.Inert)})
	}
}

func (l *Live) fillErrors(w *writer) {
	if l.RowErrors == nil {
		return
	}
	b := l.RowErrors()
	for i := range b.N {
		id := catalog.ID(b.Cols[0].I64[i])
		name := oidText(types.OID(id))
		if r := w.cat.Relation(id); r != nil {
			name = qualified(w.cat, r, []string{catalog.PublicSchema})
		}
		v := row{"relation": str(name), "relation_id": num(id), "sqlstate": str(b.Cols[1].Str(i)),
			"message": str(b.Cols[2].Str(i)), "data": str(b.Cols[3].Str(i)), "first_epoch": num(b.Cols[8].I64[i]),
			"count": num(b.Cols[9].I64[i])}
		if p := b.Cols[5].I64[i]; p >= 0 {
			v["topic"], v["partition"], v["record_offset"] = str(b.Cols[4].Str(i)), num(p), num(b.Cols[6].I64[i])
			v["record_key"] = orNull(b.Cols[7].Str(i))
		}
		w.add(v)
	}
}

func schemaName(cat *catalog.Snapshot, id catalog.ID) string {
	if n := cat.SchemaByID(id); n != nil {
		return n.Name
	}
	return ""
}

func (l *Live) fillRelations(w *writer) {
	for _, r := range w.cat.Relations() {
		state := "running"
		switch {
		case r.Suspended != "":
			state = "suspended: " + r.Suspended
		case r.Backfilling:
			state = "backfilling"
		}
		v := row{"id": num(r.ID), "schema": str(schemaName(w.cat, r.Schema)), "name": str(r.Name), "kind": str(string(r.Kind)),
			"state": str(state), "created_epoch": num(int64(r.CreatedEpoch)), "connector": orNull(r.Connector),
			"definition": orNull(r.Definition), "comment": orNull(r.Comment)}
		if l.Size != nil {
			rows, bytes := l.Size(r.ID)
			v["rows"], v["bytes"] = atLeast0(rows), atLeast0(bytes)
		}
		w.add(v)
	}
}

func (l *Live) fillSources(w *writer) {
	if l.Sources == nil {
		return
	}
	for _, s := range l.Sources() {
		v := row{"id": num(s.Stream), "connector": str(s.Connector), "state": str(s.State),
			"last_error": orNull(s.LastError), "last_error_at": stamp(s.LastErrorAt), "records": num(s.Records),
			"bytes": num(s.Bytes), "bad_records": num(s.BadRecords), "paused": yes(s.Paused)}
		if s.RateLimit > 0 {
			v["rate_limit"] = num(s.RateLimit)
		}
		if r := w.cat.Relation(s.Stream); r != nil {
			v["schema"], v["name"] = str(schemaName(w.cat, r.Schema)), str(r.Name)
		}
		if s.Partition >= 0 {
			v["partition"], v["committed_offset"], v["end_offset"] = num(s.Partition), atLeast0(s.Committed), atLeast0(s.End)
			v["records_per_second"], v["last_event_at"] = float(s.Rate), stamp(s.LastEvent)
			if s.Committed >= 0 && s.End >= 0 {
				v["lag"] = num(max(s.End-s.Committed, 0))
			}
		}
		w.add(v)
	}
}

func (l *Live) fillSinks(w *writer) {
	if l.Sinks == nil {
		return
	}
	for _, s := range l.Sinks() {
		v := row{"id": num(s.Sink), "connector": str(s.Connector), "topic": orNull(s.Topic), "state": str(s.State),
			"delivered_epoch": num(s.Delivered), "lag_epochs": num(s.Epoch - s.Delivered), "waiting_changes": num(s.Waiting),
			"waiting_bytes": num(s.WaitingBytes), "delivered_changes": num(s.Sent), "last_error": orNull(s.LastError),
			"last_error_at": stamp(s.LastErrorAt), "paused": yes(s.Paused)}
		if s.RateLimit > 0 {
			v["rate_limit"] = num(s.RateLimit)
		}
		if r := w.cat.Relation(s.Sink); r != nil {
			v["schema"], v["name"] = str(schemaName(w.cat, r.Schema)), str(r.Name)
		}
		if r := w.cat.Relation(s.From); r != nil {
			v["relation"] = str(qualified(w.cat, r, []string{catalog.PublicSchema}))
		}
		w.add(v)
	}
}

func (l *Live) fillJobs(w *writer) {
	if l.Jobs == nil {
		return
	}
	for _, j := range l.Jobs() {
		v := row{"id": num(j.ID), "kind": str("backfill"), "relation": str(j.View), "state": str("running"),
			"rows_done": num(j.Rows), "rows_total": num(j.Total), "started_at": stamp(j.Started)}
		if j.Total > 0 {
			v["progress"] = float(min(float64(j.Rows)/float64(j.Total), 1))
		}
		w.add(v)
	}
}

func (l *Live) fillOperators(w *writer) {
	if l.Operators == nil {
		return
	}
	for _, o := range l.Operators() {
		v := row{"view_id": num(o.View), "operator": str(o.Name), "detail": orNull(o.Detail), "rows": atLeast0(o.Rows),
			"bytes": atLeast0(o.Bytes)}
		if o.Time >= 0 {
			v["time_ms"] = float(float64(o.Time.Microseconds()) / 1000)
		}
		if r := w.cat.Relation(o.View); r != nil {
			v["view"] = str(qualified(w.cat, r, []string{catalog.PublicSchema}))
		}
		w.add(v)
	}
}
