package pgcatalog

import (
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/types"
)

func fillNamespace(w *writer) {
	for _, n := range w.cat.Schemas() {
		w.add(row{"oid": num(n.ID), "nspname": str(n.Name), "nspowner": num(n.Owner)})
	}
}

func fillAuthid(w *writer) {
	for _, r := range w.cat.Roles() {
		v := row{"oid": num(r.ID), "rolname": str(r.Name), "rolsuper": yes(r.Super), "rolinherit": yes(true),
			"rolcreaterole": yes(r.Super), "rolcreatedb": yes(r.Super), "rolcanlogin": yes(r.Login),
			"rolreplication": yes(r.Super), "rolbypassrls": yes(r.Super), "rolconnlimit": num(-1)}
		if r.Verifier != "" {
			v["rolpassword"] = str("********")
		}
		w.add(v)
	}
}

func fillDatabase(w *writer) {
	w.add(row{"oid": num(databaseOID), "datname": str(DatabaseName), "datdba": num(catalog.SuperuserID),
		"encoding": num(encodingUTF8), "datlocprovider": num(byte('c')), "datallowconn": yes(true),
		"datconnlimit": num(-1), "dattablespace": num(1663), "datcollate": str("C"), "datctype": str("C")})
}

// DatabaseName is the name of the one database.
const DatabaseName = "millrace"

// encodingUTF8 is PostgreSQL's number of UTF8.
const encodingUTF8 = 6

func fillShdescription(w *writer) {
	w.add(row{"objoid": num(databaseOID), "classoid": num(oidDatabase), "description": str("the database")})
}

func fillTablespace(w *writer) {
	for _, t := range []struct {
		oid  int
		name string
	}{{1663, "pg_default"}, {1664, "pg_global"}} {
		w.add(row{"oid": num(t.oid), "spcname": str(t.name), "spcowner": num(catalog.SuperuserID)})
	}
}

func fillAm(w *writer) {
	w.add(row{"oid": num(oidAmHeap), "amname": str("heap"), "amhandler": num(procOID("heap_tableam_handler")), "amtype": num(byte('t'))})
	w.add(row{"oid": num(oidAmBtree), "amname": str("btree"), "amhandler": num(procOID("bthandler")), "amtype": num(byte('i'))})
	w.add(row{"oid": num(405), "amname": str("hash"), "amhandler": num(procOID("hashhandler")), "amtype": num(byte('i'))})
}

func fillCollation(w *writer) {
	for _, c := range []struct {
		oid      int
		name     string
		provider byte
	}{{100, "default", 'd'}, {950, "C", 'c'}, {951, "POSIX", 'c'}} {
		v := row{"oid": num(c.oid), "collname": str(c.name), "collnamespace": num(catalog.PgCatalogID),
			"collowner": num(catalog.SuperuserID), "collprovider": num(c.provider), "collisdeterministic": yes(true),
			"collencoding": num(-1)}
		if c.provider == 'c' {
			v["collcollate"], v["collctype"] = str(c.name), str(c.name)
		}
		w.add(v)
	}
}

func fillLanguage(w *writer) {
	for i, n := range []string{"internal", "c", "sql"} {
		w.add(row{"oid": num(12 + i), "lanname": str(n), "lanowner": num(catalog.SuperuserID)})
	}
}

func fillOpclass(w *writer) {
	for _, o := range opclasses {
		w.add(row{"oid": num(o.oid), "opcmethod": num(oidAmBtree), "opcname": str(o.name),
			"opcnamespace": num(catalog.PgCatalogID), "opcowner": num(catalog.SuperuserID), "opcfamily": num(o.family),
			"opcintype": num(o.intype), "opcdefault": yes(o.isDefault)})
	}
}

func fillOpfamily(w *writer) {
	seen := map[uint32]bool{}
	for _, o := range opclasses {
		if !seen[o.family] {
			seen[o.family] = true
			w.add(row{"oid": num(o.family), "opfmethod": num(oidAmBtree), "opfname": str(o.familyName),
				"opfnamespace": num(catalog.PgCatalogID), "opfowner": num(catalog.SuperuserID)})
		}
	}
}

func fillType(w *writer) {
	for i := range types.Infos() {
		in := &types.Infos()[i]
		v := row{
			"oid": num(uint32(in.OID)), "typname": str(in.Name), "typnamespace": num(catalog.PgCatalogID),
			"typowner": num(catalog.SuperuserID), "typlen": num(in.Len), "typbyval": yes(in.ByVal),
			"typtype": num(in.Kind), "typcategory": num(in.Category), "typispreferred": yes(in.Preferred),
			"typisdefined": yes(true), "typdelim": num(byte(',')), "typelem": num(uint32(in.Elem)),
			"typarray": num(uint32(in.Array)), "typinput": num(procOID(in.Input)), "typoutput": num(procOID(in.Output)),
			"typreceive": num(procOID(in.Receive)), "typsend": num(procOID(in.Send)),
			"typmodin": num(procOID(in.ModIn)), "typmodout": num(procOID(in.ModOut)),
			"typalign": num(in.Align), "typstorage": num(in.Storage), "typtypmod": num(-1),
		}
		if in.Elem != 0 && in.Len == -1 {
			v["typsubscript"] = num(procOID("array_subscript_handler"))
		}
		v["typcollation"] = num(collationOf(in.OID))
		w.add(v)
	}
}

func fillTimezoneNames(w *writer) {
	for _, n := range types.ZoneNames() {
		loc, ok := types.ZoneByName(n)
		if !ok {
			continue
		}
		abbrev, east := types.ZoneAbbrev(0, loc)
		w.add(row{"name": str(n), "abbrev": str(abbrev), "utc_offset": str(itoa(east) + " seconds"), "is_dst": yes(false)})
	}
}
