package session

import (
	"strconv"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// Session is the world that functions see: funcs.Sys.
var _ funcs.Sys = (*Session)(nil)

func itoa(id catalog.ID) string { return strconv.FormatUint(uint64(id), 10) }

// Snapshot is the catalog that names are looked up in.
func (s *Session) Snapshot() *catalog.Snapshot { return s.catalog() }

// User is current_user.
func (s *Session) User() string { return s.user }

// Database is current_database().
func (s *Session) Database() string { return Database }

// BackendPID is pg_backend_pid().
func (s *Session) BackendPID() int32 { return int32(s.pid) }

// SearchPath is current_schemas: the schemas of the path that exist, with pg_catalog where it is searched implicitly.
func (s *Session) SearchPath(implicit bool) []string {
	cat := s.catalog()
	var out []string
	hasCatalog := false
	for _, n := range s.searchPath() {
		if cat.Schema(n) != nil {
			out = append(out, n)
			hasCatalog = hasCatalog || n == catalog.PgCatalog
		}
	}
	if implicit && !hasCatalog {
		out = append([]string{catalog.PgCatalog}, out...)
	}
	return out
}

// Setting is current_setting.
func (s *Session) Setting(name string) (string, bool) { return s.settings.lookup(name) }

// SetSetting is set_config.
func (s *Session) SetSetting(name, value string, local bool) error {
	return s.assign(name, value, local)
}

// NextVal is nextval.
func (s *Session) NextVal(seq types.OID) (int64, error) {
	if s.txn.readOnly {
		return 0, pgerr.New(pgerr.ReadOnlySQLTransaction, "cannot execute nextval() in a read-only transaction")
	}
	if _, err := s.sequence(seq); err != nil {
		return 0, err
	}
	v, err := s.door.NextVal(catalog.ID(seq))
	if err == nil {
		s.currvals[catalog.ID(seq)] = v
		s.lastSeq = catalog.ID(seq)
	}
	return v, err
}

func (s *Session) sequence(id types.OID) (*catalog.Relation, error) {
	r := s.catalog().Relation(catalog.ID(id))
	if r == nil {
		return nil, pgerr.Newf(pgerr.UndefinedTable, "relation with OID %d does not exist", id)
	}
	if r.Kind != catalog.Sequence {
		return nil, pgerr.Newf(pgerr.WrongObjectType, `"%s" is not a sequence`, r.Name)
	}
	return r, nil
}

// CurrVal is currval; of sequence 0 it is lastval.
func (s *Session) CurrVal(seq types.OID) (int64, error) {
	id := catalog.ID(seq)
	if id == 0 {
		if id = s.lastSeq; id == 0 {
			return 0, pgerr.New(pgerr.ObjectNotInState, "lastval is not yet defined in this session")
		}
	}
	r, err := s.sequence(types.OID(id))
	if err != nil {
		return 0, err
	}
	v, ok := s.currvals[id]
	if !ok {
		return 0, pgerr.Newf(pgerr.ObjectNotInState, `currval of sequence "%s" is not yet defined in this session`, r.Name)
	}
	return v, nil
}

// SetVal is setval.
func (s *Session) SetVal(seq types.OID, v int64, called bool) error {
	r, err := s.sequence(seq)
	if err != nil {
		return err
	}
	if r.Seq != nil && (v < r.Seq.Min || v > r.Seq.Max) {
		return pgerr.Newf(pgerr.NumericValueOutOfRange, `setval: value %d is out of bounds for sequence "%s" (%d..%d)`,
			v, r.Name, r.Seq.Min, r.Seq.Max)
	}
	if err := s.door.SetVal(r.ID, v, called); err != nil {
		return err
	}
	if called {
		s.currvals[r.ID] = v
		s.lastSeq = r.ID
	}
	return nil
}

// RegIn finds the object that a reg* value names.
func (s *Session) RegIn(kind types.OID, name string) (int64, error) {
	oid, err := s.names.RegLookup(kind, name)
	return int64(oid), err
}

// RegOut prints a reg* value.
func (s *Session) RegOut(kind types.OID, oid int64) string {
	b, ok := s.names.AppendRegName(nil, kind, types.OID(oid))
	if !ok {
		return strconv.FormatInt(oid, 10)
	}
	return string(b)
}

// Catalog answers the catalog information functions.
func (s *Session) Catalog(fn string, args []vec.Scalar) (vec.Scalar, error) {
	switch fn {
	case "pg_notify":
		return vec.NullOf(types.T(types.Void)), s.notify(string(args[0].B), string(args[1].B))
	case "lastval":
		v, err := s.CurrVal(0)
		return vec.Scalar{Type: types.T(types.Int8), I: v}, err
	}
	return s.info.Call(fn, args)
}

// CancelBackend is pg_cancel_backend and pg_terminate_backend.
func (s *Session) CancelBackend(pid int32, terminate bool) (bool, error) {
	ok := s.hub.CancelBackend(uint32(pid), terminate)
	if !ok {
		s.notice("WARNING", pgerr.Warning, "PID "+strconv.Itoa(int(pid))+" is not a PostgreSQL backend process")
	}
	return ok, nil
}
