package pgcatalog

import (
	"strings"

	"strconv"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/types"
)

// all returns the relations of the snapshot, system ones first. Those still in backfill do not show.
func all(cat *catalog.Snapshot) []*catalog.Relation {
	out := append([]*catalog.Relation{}, cat.SystemRelations()...)
	for _, r := range cat.Relations() {
		if !r.Backfilling {
			out = append(out, r)
		}
	}
	return out
}

// kindOf is pg_class.relkind. A stream is a table to clients.
func kindOf(r *catalog.Relation) byte {
	switch r.Kind {
	case catalog.View:
		return 'v'
	case catalog.MatView:
		return 'm'
	case catalog.Sequence:
		return 'S'
	case catalog.System:
		if !isTable(r) {
			return 'v'
		}
	}
	return 'r'
}

// index is a unique index of a table: that of its primary key, or of a unique constraint.
type index struct {
	id      catalog.ID
	name    string
	rel     *catalog.Relation
	cols    []int
	primary bool
}

func indexes(r *catalog.Relation) []index {
	var out []index
	if r.PKID != 0 {
		out = append(out, index{r.PKID, r.PKName, r, r.PrimaryKey, true})
	}
	for _, u := range r.Uniques {
		out = append(out, index{u.ID, u.Name, r, u.Cols, false})
	}
	return out
}

// Ids of entries that have none in the catalog are made from their relation's.
const (
	derivedCheck   = 0x8000_0000
	derivedDefault = 0xC000_0000
	derivedRule    = 0xA000_0000
)

func checkOID(rel catalog.ID, i int) uint32 {
	return derivedCheck | (uint32(rel)<<6|uint32(i))&0x1fff_ffff
}
func defaultOID(rel catalog.ID, i int) uint32 {
	return derivedDefault | (uint32(rel)<<11|uint32(i))&0x3fff_ffff
}
func ruleOID(rel catalog.ID) uint32 { return derivedRule | uint32(rel)&0x1fff_ffff }

func fillClass(w *writer) {
	for _, r := range all(w.cat) {
		kind := kindOf(r)
		v := row{
			"oid": num(r.ID), "relname": str(r.Name), "relnamespace": num(r.Schema), "relowner": num(r.Owner),
			"relfilenode": num(r.ID), "reltuples": float(-1), "relpersistence": num(byte('p')), "relkind": num(kind),
			"relnatts": num(shown(r)), "relchecks": num(len(r.Checks)), "relhasindex": yes(len(indexes(r)) > 0),
			"relhasrules": yes(kind == 'v' || kind == 'm'), "relispopulated": yes(true),
			"relreplident": num(byte('d')),
		}
		if kind == 'r' || kind == 'm' {
			v["relam"] = num(oidAmHeap)
		}
		if r.Kind == catalog.System || kind == 'v' || kind == 'S' {
			v["relreplident"] = num(byte('n'))
		}
		if r.Connector != "" {
			v["reloptions"] = array(shownOptions(w.cat, r)...)
		}
		w.add(v)
		for _, x := range indexes(r) {
			w.add(row{
				"oid": num(x.id), "relname": str(x.name), "relnamespace": num(r.Schema), "relowner": num(r.Owner),
				"relam": num(oidAmBtree), "relfilenode": num(x.id), "relpersistence": num(byte('p')),
				"relkind": num(byte('i')), "relnatts": num(len(x.cols)), "relispopulated": yes(true),
				"relreplident": num(byte('n')),
			})
		}
	}
}

func fillAttribute(w *writer) {
	for _, r := range all(w.cat) {
		n := 0
		for i := range r.Columns {
			c := &r.Columns[i]
			if c.Hidden {
				continue
			}
			n++
			v := attribute(r.ID, i+1, c.Name, c.Type)
			v["attnotnull"] = yes(c.NotNull || isKey(r, i))
			v["atthasdef"] = yes(hasDefault(c))
			if c.Identity != 0 {
				v["attidentity"] = num(c.Identity)
			}
			w.add(v)
		}
		for _, x := range indexes(r) {
			for k, c := range x.cols {
				w.add(attribute(x.id, k+1, r.Columns[c].Name, r.Columns[c].Type))
			}
		}
	}
}

func attribute(rel catalog.ID, attnum int, name string, t types.Type) row {
	v := row{
		"attrelid": num(rel), "attname": str(name), "atttypid": num(uint32(t.OID)), "attstattarget": num(-1),
		"attnum": num(attnum), "attcacheoff": num(-1), "atttypmod": num(t.Mod), "attislocal": yes(true),
		"attlen": num(t.Size()),
	}
	if in := types.InfoOf(t.OID); in != nil {
		v["attbyval"], v["attalign"], v["attstorage"] = yes(in.ByVal), num(in.Align), num(in.Storage)
		v["attcollation"] = num(collationOf(t.OID))
	}
	if t.OID.IsArray() {
		v["attndims"] = num(1)
	}
	return v
}

// collationOf is the collation of a type's columns, an array's that of its elements; name has C.
func collationOf(t types.OID) uint32 {
	if elem, ok := types.ElemOf(t); ok {
		t = elem
	}
	switch t {
	case types.Name:
		return 950
	case types.Text, types.Varchar, types.BPChar, types.PgNodeTree:
		return defaultColl
	}
	return 0
}

func hasDefault(c *catalog.Column) bool { return c.Identity == 0 && (c.Default != "" || c.SeqID != 0) }

func isKey(r *catalog.Relation, col int) bool {
	if r.Kind != catalog.Table {
		return false
	}
	for _, k := range r.PrimaryKey {
		if k == col {
			return true
		}
	}
	return false
}

func fillAttrdef(w *writer) {
	for _, r := range w.cat.Relations() {
		for i := range r.Columns {
			if c := &r.Columns[i]; hasDefault(c) {
				w.add(row{"oid": num(defaultOID(r.ID, i+1)), "adrelid": num(r.ID), "adnum": num(i + 1),
					"adbin": str(defaultText(w.cat, c))})
			}
		}
	}
}

// defaultText is the default expression of a column; that of a serial column is nextval.
func defaultText(cat *catalog.Snapshot, c *catalog.Column) string {
	if c.Default != "" || c.SeqID == 0 {
		return c.Default
	}
	name := strconv.Itoa(int(c.SeqID))
	if r := cat.Relation(c.SeqID); r != nil {
		name = qualified(cat, r, []string{catalog.PublicSchema})
	}
	return "nextval(" + quoteLiteral(name) + "::regclass)"
}

func fillIndex(w *writer) {
	for _, r := range w.cat.Relations() {
		for _, x := range indexes(r) {
			keys := make([]int, len(x.cols))
			class, coll, opt := make([]uint32, len(x.cols)), make([]uint32, len(x.cols)), make([]int, len(x.cols))
			for i, c := range x.cols {
				keys[i] = c + 1
				class[i] = opclassOf(r.Columns[c].Type.OID)
				coll[i] = collationOf(r.Columns[c].Type.OID)
			}
			w.add(row{
				"indexrelid": num(x.id), "indrelid": num(r.ID), "indnatts": num(len(keys)), "indnkeyatts": num(len(keys)),
				"indisunique": yes(true), "indisprimary": yes(x.primary), "indimmediate": yes(true),
				"indisvalid": yes(true), "indisready": yes(true), "indislive": yes(true),
				"indkey": vector(ints(keys)), "indclass": vector(ints(class)), "indcollation": vector(ints(coll)),
				"indoption": vector(ints(opt)),
			})
		}
	}
}

func opclassOf(t types.OID) uint32 {
	if t == types.Varchar {
		t = types.Text
	}
	for _, o := range opclasses {
		if o.isDefault && types.OID(o.intype) == t {
			return o.oid
		}
	}
	return 0
}

func fillConstraint(w *writer) {
	for _, r := range w.cat.Relations() {
		base := func(id uint32, name string, typ byte) row {
			return row{
				"oid": num(id), "conname": str(name), "connamespace": num(r.Schema), "contype": num(typ),
				"convalidated": yes(true), "conrelid": num(r.ID), "conislocal": yes(true),
				"confupdtype": num(byte(' ')), "confdeltype": num(byte(' ')), "confmatchtype": num(byte(' ')),
			}
		}
		for _, x := range indexes(r) {
			typ := byte('u')
			if x.primary {
				typ = 'p'
			}
			v := base(uint32(x.id), x.name, typ)
			v["conindid"], v["conkey"] = num(x.id), array(ints(plus1(x.cols))...)
			v["connoinherit"] = yes(true)
			w.add(v)
		}
		for i, c := range r.Checks {
			v := base(checkOID(r.ID, i), c.Name, 'c')
			v["conbin"] = str(c.Expr)
			v["conkey"] = array(ints(checkColumns(r, c.Expr))...)
			w.add(v)
		}
	}
}

func plus1(cols []int) []int {
	out := make([]int, len(cols))
	for i, c := range cols {
		out[i] = c + 1
	}
	return out
}

// checkColumns are the columns a constraint's text mentions.
func checkColumns(r *catalog.Relation, text string) []int {
	var out []int
	for i := range r.Columns {
		if mentions(text, r.Columns[i].Name) {
			out = append(out, i+1)
		}
	}
	return out
}

// mentions reports whether a name stands as a word in text.
func mentions(text, name string) bool {
	for i := 0; i+len(name) <= len(text); i++ {
		if text[i:i+len(name)] == name && (i == 0 || !wordByte(text[i-1])) &&
			(i+len(name) == len(text) || !wordByte(text[i+len(name)])) {
			return true
		}
	}
	return false
}

func wordByte(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80
}

func fillSequence(w *writer) {
	for _, r := range w.cat.Relations() {
		if r.Kind != catalog.Sequence || r.Seq == nil {
			continue
		}
		q := r.Seq
		w.add(row{"seqrelid": num(r.ID), "seqtypid": num(uint32(q.Type)), "seqstart": num(q.Start),
			"seqincrement": num(q.Increment), "seqmax": num(q.Max), "seqmin": num(q.Min), "seqcache": num(1),
			"seqcycle": yes(q.Cycle)})
	}
}

// fillRewrite has the rule that PostgreSQL makes of each view; what a view depends on hangs on it.
func fillRewrite(w *writer) {
	for _, r := range w.cat.Relations() {
		if r.Kind == catalog.View || r.Kind == catalog.MatView {
			w.add(row{"oid": num(ruleOID(r.ID)), "rulename": str("_RETURN"), "ev_class": num(r.ID),
				"ev_type": num(byte('1')), "ev_enabled": num(byte('O')), "is_instead": yes(true)})
		}
	}
}

func fillDepend(w *writer) {
	dep := func(class, obj uint32, sub int, refClass, ref uint32, refSub int, typ byte) {
		w.add(row{"classid": num(class), "objid": num(obj), "objsubid": num(sub), "refclassid": num(refClass),
			"refobjid": num(ref), "refobjsubid": num(refSub), "deptype": num(typ)})
	}
	for _, r := range w.cat.Relations() {
		dep(oidClass, r.ID, 0, oidNamespace, r.Schema, 0, 'n')
		if r.Seq != nil && r.Seq.OwnedBy != 0 {
			typ := byte('a')
			if t := w.cat.Relation(r.Seq.OwnedBy); t != nil && t.Columns[r.Seq.OwnedCol].Identity != 0 {
				typ = 'i'
			}
			dep(oidClass, r.ID, 0, oidClass, r.Seq.OwnedBy, r.Seq.OwnedCol+1, typ)
		}
		if r.Kind == catalog.View || r.Kind == catalog.MatView {
			dep(oidRewrite, ruleOID(r.ID), 0, oidClass, r.ID, 0, 'i')
			for _, d := range r.DependsOn {
				dep(oidRewrite, ruleOID(r.ID), 0, oidClass, d, 0, 'n')
			}
		}
		for _, x := range indexes(r) {
			dep(oidClass, x.id, 0, oidConstraint, x.id, 0, 'i')
			for _, c := range x.cols {
				dep(oidConstraint, x.id, 0, oidClass, r.ID, c+1, 'a')
			}
		}
	}
}

func fillDescription(w *writer) {
	add := func(class, obj uint32, sub int, text string) {
		if text != "" {
			w.add(row{"objoid": num(obj), "classoid": num(class), "objsubid": num(sub), "description": str(text)})
		}
	}
	for _, n := range w.cat.Schemas() {
		add(oidNamespace, n.ID, 0, n.Comment)
	}
	for _, r := range w.cat.Relations() {
		add(oidClass, r.ID, 0, r.Comment)
		for i := range r.Columns {
			add(oidClass, r.ID, i+1, r.Columns[i].Comment)
		}
	}
}

// shownOptions are the options of a relation that a connector feeds as elements of an array, without passwords.
func shownOptions(cat *catalog.Snapshot, r *catalog.Relation) []string {
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	var out []string
	for _, o := range cat.ShownOptions(r.Options, r.Secrets) {
		out = append(out, `"`+quote.Replace(o.Name+"="+o.Value)+`"`)
	}
	return out
}
