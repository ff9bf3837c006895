package bind

import (
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// domains are the types of information_schema, which are domains in PostgreSQL, by what they are over.
var domains = map[string]types.Type{
	"sql_identifier":  types.T(types.Name),
	"character_data":  types.T(types.Varchar),
	"cardinal_number": types.T(types.Int4),
	"yes_or_no":       {OID: types.Varchar, Mod: 3 + 4},
	"time_stamp":      {OID: types.TimestampTZ, Mod: 2},
}

// intervalFields are the field masks of INTERVAL YEAR TO MONTH and so on.
var intervalFields = map[string]int32{
	"YEAR": types.IntervalYear, "MONTH": types.IntervalMonth, "DAY": types.IntervalDay,
	"HOUR": types.IntervalHour, "MINUTE": types.IntervalMinute, "SECOND": types.IntervalSecond,
	"YEAR TO MONTH":    types.IntervalYear | types.IntervalMonth,
	"DAY TO HOUR":      types.IntervalDay | types.IntervalHour,
	"DAY TO MINUTE":    types.IntervalDay | types.IntervalHour | types.IntervalMinute,
	"DAY TO SECOND":    types.IntervalDay | types.IntervalHour | types.IntervalMinute | types.IntervalSecond,
	"HOUR TO MINUTE":   types.IntervalHour | types.IntervalMinute,
	"HOUR TO SECOND":   types.IntervalHour | types.IntervalMinute | types.IntervalSecond,
	"MINUTE TO SECOND": types.IntervalMinute | types.IntervalSecond,
}

// typeName resolves a type as written.
func (b *Binder) typeName(n *ast.TypeName) (types.Type, error) {
	if n.SetOf {
		return types.Type{}, pgerr.Unsupported("a SETOF type").At(n.Pos())
	}
	t, ok := lookupType(n)
	if !ok {
		name := n.Name
		if n.Schema != "" {
			name = n.Schema + "." + name
		}
		return t, pgerr.Newf(pgerr.UndefinedObject, `type "%s" does not exist`, name).At(n.Pos())
	}
	mods := make([]int32, 0, 2)
	if n.Fields != "" {
		mods = append(mods, intervalFields[n.Fields])
	} else if t.OID == types.Interval && len(n.TypMods) > 0 {
		mods = append(mods, types.IntervalFullRange)
	}
	for _, m := range n.TypMods {
		mods = append(mods, int32(max(min(m, 1<<31-1), -1<<31)))
	}
	if len(mods) > 0 {
		mod, err := types.TypmodIn(t.OID, mods)
		if err != nil {
			return t, at(err, n.Pos())
		}
		t.Mod = mod
	}
	if n.IsArray() {
		a, ok := types.ArrayOf(t.OID)
		if !ok {
			return t, pgerr.Newf(pgerr.UndefinedObject, `type "%s[]" does not exist`, n.Name).At(n.Pos())
		}
		t.OID = a
	}
	return t, nil
}

func lookupType(n *ast.TypeName) (types.Type, bool) {
	switch n.Schema {
	case "", "pg_catalog":
		if o, ok := types.ByTypName(n.Name); ok {
			return types.T(o), true
		}
	case "information_schema":
		t, ok := domains[n.Name]
		return t, ok
	}
	return types.T(0), false
}
