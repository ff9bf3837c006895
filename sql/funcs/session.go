package funcs

import (
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

const (
	secSession = "Session"
	secSeq     = "Sequences"
	name       = types.Name
	boolean    = types.Bool
	oid        = types.Oid
)

// needSys guards functions that ask the session, which a dataflow has none of.
func needSys(f func(r *Row) error) func(r *Row) error {
	return func(r *Row) error {
		if r.Sys == nil {
			return pgerr.Unsupported("a function that depends on the session in this place")
		}
		return f(r)
	}
}

func sessionFuncs() []Func {
	s := &section{name: secSession}
	addIdentity(s)
	addSettings(s)
	addBackends(s)
	addUUID(s)
	addSequences(s)
	return s.fs
}

// say adds a stable function without arguments whose text the session gives.
func (s *section) say(fn string, ret types.OID, f func(sys Sys) string, doc string) {
	s.partial(fn, nil, ret, needSys(func(r *Row) error { return r.PutStr(f(r.Sys)) }), doc, "").stable()
}

func addIdentity(s *section) {
	user := func(sys Sys) string { return sys.User() }
	for _, n := range []string{"current_user", "session_user", "user", "current_role"} {
		s.say(n, name, user, "The user.")
	}
	db := func(sys Sys) string { return sys.Database() }
	s.say("current_database", name, db, "The database.")
	s.say("current_catalog", name, db, "The database.")
	schema := needSys(func(r *Row) error {
		if path := r.Sys.SearchPath(false); len(path) > 0 {
			return r.PutStr(path[0])
		}
		return r.PutNull()
	})
	s.partial("current_schema", nil, name, schema, "The schema in which new objects are made.", "").stable()
	s.partial("current_schemas", sig(boolean), types.NameArray, needSys(func(r *Row) error {
		b := types.NewArrayBuilder(types.T(name))
		for _, n := range r.Sys.SearchPath(r.Int(0) != 0) {
			b.AppendBytes([]byte(n))
		}
		return r.putArray(b)
	}), "The schemas of the search path; true: the implicit ones too.", "").stable()
	s.say("version", text, func(sys Sys) string {
		v, _ := sys.Setting("server_version")
		m, ok := sys.Setting("millrace.version")
		if !ok {
			m = "development"
		}
		number, _, _ := strings.Cut(v, " ")
		return fmt.Sprintf("PostgreSQL %s (Millrace %s)", number, m)
	}, "The version of the server.")
}

func addSettings(s *section) {
	get := needSys(func(r *Row) error {
		v, ok := r.Sys.Setting(r.Str(0))
		switch {
		case ok:
			return r.PutStr(v)
		case r.Num() > 1 && r.Int(1) != 0:
			return r.PutNull()
		}
		return pgerr.Newf(pgerr.UndefinedObject, `unrecognized configuration parameter "%s"`, r.Str(0))
	})
	s.partial("current_setting", sig(text), text, get, "The value of a setting.", "").stable()
	s.partial("current_setting", sig(text, boolean), text, get, "The value of a setting; null, if the last argument is true, for one that does not exist.", "").stable()
	s.partial("set_config", sig(text, text, boolean), text, needSys(func(r *Row) error {
		if r.Null(0) {
			return pgerr.New(pgerr.NullValueNotAllowed, "SET requires parameter name")
		}
		value := ""
		if !r.Null(1) {
			value = r.Str(1)
		}
		key := strings.Clone(r.Str(0))
		if err := r.Sys.SetSetting(key, strings.Clone(value), !r.Null(2) && r.Int(2) != 0); err != nil {
			return err
		}
		v, _ := r.Sys.Setting(key)
		return r.PutStr(v)
	}), "Changes a setting, for the transaction if the last argument is true.", "").volatile().lax()
}

func addBackends(s *section) {
	s.partial("pg_backend_pid", nil, int4, needSys(func(r *Row) error { return r.PutInt(int64(r.Sys.BackendPID())) }),
		"The number of this session.", "").stable()
	for _, terminate := range []bool{false, true} {
		n, doc := "pg_cancel_backend", "Cancels what another session runs."
		if terminate {
			n, doc = "pg_terminate_backend", "Ends another session."
		}
		f := needSys(func(r *Row) error {
			ok, err := r.Sys.CancelBackend(int32(r.Int(0)), terminate)
			if err != nil {
				return err
			}
			return r.PutBool(ok)
		})
		s.partial(n, sig(int4), boolean, f, doc, "").volatile()
		if terminate {
			s.partial(n, sig(int4, types.Int8), boolean, f, doc, "").volatile()
		}
	}
	s.total("pg_is_in_recovery", nil, boolean, func(r *Row) error { return r.PutBool(false) }, "False: there is no standby mode.", "pg_is_in_recovery() → f").stable()
	s.total("pg_is_wal_replay_paused", nil, boolean, func(r *Row) error { return r.PutBool(false) }, "False.", "pg_is_wal_replay_paused() → f").stable()
	null := func(fn string, args []types.OID, ret types.OID, doc string) {
		s.total(fn, args, ret, func(r *Row) error { return r.PutNull() }, doc, "").stable().lax()
	}
	null("inet_server_addr", nil, text, "Null: addresses are not shown.")
	null("inet_client_addr", nil, text, "Null: addresses are not shown.")
	null("inet_server_port", nil, int4, "Null: ports are not shown.")
	null("inet_client_port", nil, int4, "Null: ports are not shown.")
	s.total("pg_jit_available", nil, boolean, func(r *Row) error { return r.PutBool(false) }, "False.", "pg_jit_available() → f").stable()
	s.total("pg_my_temp_schema", nil, oid, func(r *Row) error { return r.PutInt(0) }, "0: there are no temporary schemas.", "pg_my_temp_schema() → 0").stable()
	s.total("pg_is_other_temp_schema", sig(oid), boolean, func(r *Row) error { return r.PutBool(false) }, "False: there are no temporary schemas.", "").stable()
	s.total("pg_blocking_pids", sig(int4), types.Int4Array, func(r *Row) error { return r.PutBytes([]byte{0}) }, "Empty: nothing blocks.", "pg_blocking_pids(1) → {}").stable()
	addAdvisoryLocks(s)
}

// addAdvisoryLocks accepts what migration tools call: a lock is always granted, as one process at a time is what
// they guard against and statements that change the catalog run one at a time here anyway.
func addAdvisoryLocks(s *section) {
	for _, args := range [][]types.OID{sig(types.Int8), sig(int4, int4)} {
		for _, n := range []string{"pg_advisory_lock", "pg_advisory_xact_lock", "pg_advisory_lock_shared", "pg_advisory_xact_lock_shared"} {
			s.total(n, args, types.Void, func(*Row) error { return nil }, "Accepted; there are no advisory locks.", "").volatile()
		}
		for _, n := range []string{"pg_try_advisory_lock", "pg_try_advisory_xact_lock", "pg_advisory_unlock", "pg_try_advisory_lock_shared",
			"pg_try_advisory_xact_lock_shared", "pg_advisory_unlock_shared"} {
			s.total(n, args, boolean, func(r *Row) error { return r.PutBool(true) }, "True; there are no advisory locks.", "").volatile()
		}
	}
	s.total("pg_advisory_unlock_all", nil, types.Void, func(*Row) error { return nil }, "Accepted; there are no advisory locks.", "").volatile()
}

func addUUID(s *section) {
	s.total("gen_random_uuid", nil, types.UUID, func(r *Row) error {
		var u [16]byte
		_, _ = rand.Read(u[:]) // never fails: crypto/rand ends the program rather than give less
		u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
		return r.PutBytes(u[:])
	}, "A random UUID, of version 4.", "").volatile()
}

func addSequences(s *section) {
	s.name = secSeq
	cls := types.RegClass
	s.partial("nextval", sig(cls), types.Int8, needSys(func(r *Row) error { return r.putI64(r.Sys.NextVal(types.OID(r.Int(0)))) }),
		"Advances a sequence and gives its value.", "").volatile()
	s.partial("currval", sig(cls), types.Int8, needSys(func(r *Row) error { return r.putI64(r.Sys.CurrVal(types.OID(r.Int(0)))) }),
		"What nextval last gave in this session.", "").volatile()
	s.partial("setval", sig(cls, types.Int8), types.Int8, needSys(func(r *Row) error {
		return r.putI64(r.Int(1), r.Sys.SetVal(types.OID(r.Int(0)), r.Int(1), true))
	}), "Sets what a sequence gave last.", "").volatile()
	s.partial("setval", sig(cls, types.Int8, boolean), types.Int8, needSys(func(r *Row) error {
		return r.putI64(r.Int(1), r.Sys.SetVal(types.OID(r.Int(0)), r.Int(1), r.Int(2) != 0))
	}), "Sets what a sequence gave last or, if the last argument is false, gives next.", "").volatile()
	s.partial("lastval", nil, types.Int8, needSys(func(r *Row) error { return r.putCatalog("lastval") }),
		"What nextval last gave in this session, of whichever sequence.", "").volatile()
}

// putCatalog sets the result to what the catalog answers.
func (r *Row) putCatalog(fn string) error {
	args := make([]vec.Scalar, r.Num())
	for i := range args {
		args[i] = r.scalar(i)
	}
	v, err := r.Sys.Catalog(fn, args)
	if err != nil {
		return err
	}
	return r.put(v)
}
