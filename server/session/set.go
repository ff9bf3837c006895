package session

import (
	"strings"

	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/server/pgwire"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

func runSet(s *Session, po *portal) (outcome, error) {
	n := po.stmt.node.(*ast.Set)
	out := outcome{command: "SET", count: noCount}
	local := n.Scope == ast.SetLocal
	if local && s.txn.state != block {
		s.notice(pgwire.SeverityWarn, pgerr.NoActiveSQLTransaction, "SET LOCAL can only be used in transaction blocks")
	}
	if n.Default {
		return out, s.settings.resetOne(n.Name, local)
	}
	value, err := setValue(n)
	if err != nil {
		return outcome{}, err
	}
	return out, s.assign(n.Name, value, local)
}

// assign changes a setting, and what lies behind those that are more than a value.
func (s *Session) assign(name, value string, local bool) error {
	switch strings.ToLower(name) {
	case "role":
		if strings.EqualFold(value, "none") {
			value = "none"
			s.user = s.settings.get(gucSessionAuth)
		} else if s.catalog().Role(value) == nil {
			return pgerr.Newf(pgerr.InvalidParameterValue, `role "%s" does not exist`, value)
		} else {
			s.user = value
		}
	case "session_authorization":
		if s.catalog().Role(value) == nil {
			return pgerr.Newf(pgerr.InvalidParameterValue, `role "%s" does not exist`, value)
		}
		s.user = value
	case "transaction_isolation":
		return s.assignMode(name, value, func(v string) { s.txn.isolation = v })
	case "transaction_read_only":
		return s.assignMode(name, value, func(v string) { s.txn.readOnly = v == "on" })
	}
	return s.settings.change(name, value, local)
}

// assignMode sets a property of the open transaction by its setting's name.
func (s *Session) assignMode(name, value string, put func(string)) error {
	i := mustGuc(name)
	v, err := gucs[i].check(value)
	if err != nil {
		return err
	}
	put(v)
	s.showModes()
	return nil
}

// setValue turns the values of SET into the text of the setting.
func setValue(n *ast.Set) (string, error) {
	i, known := findGuc(n.Name)
	list := known && i == gucSearchPath
	var parts []string
	for _, v := range n.Values {
		text, err := literalText(v)
		if err != nil {
			return "", err
		}
		if list {
			text = quoteIdent(text)
		}
		parts = append(parts, text)
	}
	if len(parts) > 1 && known && !list && i != gucDateStyle && gucs[i].Kind != kindString {
		return "", pgerr.Newf(pgerr.InvalidParameterValue, `SET %s takes only one argument`, n.Name)
	}
	return strings.Join(parts, ", "), nil
}

func literalText(e ast.Expr) (string, error) {
	switch v := e.(type) {
	case *ast.Literal:
		switch {
		case v.Kind == ast.LitBool && v.Bool:
			return "true", nil
		case v.Kind == ast.LitBool:
			return "false", nil
		}
		return v.Text, nil
	case *ast.TypedLiteral:
		// SET TIME ZONE INTERVAL '+02:00' HOUR TO MINUTE
		iv, err := types.ParseInterval(v.Text, -1)
		if err != nil {
			return "", err
		}
		if iv.Months != 0 || iv.Days != 0 {
			return "", pgerr.New(pgerr.InvalidParameterValue, `invalid value for parameter "TimeZone"`).
				WithDetail("Cannot specify months or days in time zone interval.")
		}
		return types.FixedZone(int(iv.Micros / 1e6)).String(), nil
	}
	return "", pgerr.New(pgerr.SyntaxError, "syntax error in the value of SET").At(e.Pos())
}

// quoteIdent quotes a name where it would not be read back as itself.
func quoteIdent(s string) string {
	plain := s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == "" && (s[0] < '0' || s[0] > '9')
	if plain {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

func runReset(s *Session, po *portal) (outcome, error) {
	n := po.stmt.node.(*ast.Reset)
	out := outcome{command: "RESET", count: noCount}
	switch strings.ToLower(n.Name) {
	case "all":
		s.settings.resetAll()
		return out, nil
	case "role", "session_authorization":
		s.user = s.login
	case "transaction_isolation", "transaction_read_only":
		return out, nil
	}
	return out, s.settings.resetOne(n.Name, false)
}

func showFields(s *Session, n ast.Statement) ([]physical.Field, error) {
	name := n.(*ast.Show).Name
	if name == "all" {
		return textFields("name", "setting", "description"), nil
	}
	if i, ok := findGuc(name); ok {
		return textFields(gucs[i].Name), nil
	}
	if _, ok := s.settings.lookup(name); !ok {
		return nil, errNoSetting(name)
	}
	return textFields(name), nil
}

func textFields(names ...string) []physical.Field {
	out := make([]physical.Field, len(names))
	for i, n := range names {
		out[i] = physical.Field{Name: n, Type: types.T(types.Text)}
	}
	return out
}

func runShow(s *Session, po *portal) (outcome, error) {
	name := po.stmt.node.(*ast.Show).Name
	b := vec.NewBatch(fieldTypes(po.fields), 1)
	if name == "all" {
		for _, n := range s.settings.named() {
			v, _ := s.settings.lookup(n)
			desc := ""
			if i, ok := findGuc(n); ok {
				desc = gucs[i].Desc
			}
			appendTexts(b, n, v, desc)
		}
	} else {
		v, ok := s.settings.lookup(name)
		if !ok {
			return outcome{}, errNoSetting(name)
		}
		appendTexts(b, v)
	}
	return outcome{rows: &batchRows{b}, command: "SHOW", count: noCount}, nil
}

func appendTexts(b *vec.Batch, values ...string) {
	for i, v := range values {
		b.Cols[i].AppendStr(v)
	}
	b.N++
}

func discardTag(n ast.Statement) string { return "DISCARD " + strings.ToUpper(n.(*ast.Discard).What) }

func runDiscard(s *Session, po *portal) (outcome, error) {
	n := po.stmt.node.(*ast.Discard)
	out := outcome{command: discardTag(n), count: noCount}
	switch strings.ToUpper(n.What) {
	case "ALL":
		if s.txn.state == block {
			return outcome{}, pgerr.New(pgerr.ActiveSQLTransaction, "DISCARD ALL cannot run inside a transaction block")
		}
		s.closePortals(func(p *portal) bool { return p != po })
		s.prepared = map[string]*prepared{}
		s.user = s.login
		s.settings.resetAll()
		s.discardSequences()
		s.txn.notifying.changes = append(s.txn.notifying.changes, channelChange{})
	case "SEQUENCES":
		s.discardSequences()
	case "PLANS":
		for _, p := range s.prepared {
			p.cat = nil
		}
	}
	return out, nil
}

func (s *Session) discardSequences() {
	clear(s.currvals)
	s.lastSeq = 0
}
