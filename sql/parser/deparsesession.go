package parser

import (
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/ast"
)

// session writes settings, transactions, prepared statements and cursors; false if s is none.
func (d *deparser) session(s ast.Statement) bool {
	switch s := s.(type) {
	case *ast.Set:
		d.set(s)
	case *ast.SetTransaction:
		d.setTransaction(s)
	case *ast.Show:
		d.text("SHOW ")
		d.setting(s.Name)
	case *ast.ShowObjects:
		d.text("SHOW " + s.What)
		if s.Schema != "" {
			d.named(" FROM ", s.Schema)
		}
		if s.Like != "" {
			d.text(" LIKE ")
			d.str(s.Like)
		}
	case *ast.ShowCreate:
		d.text("SHOW CREATE " + string(s.Kind) + " ")
		d.objectName(s.Name)
	case *ast.Reset:
		d.text("RESET ")
		d.setting(s.Name)
	case *ast.Discard:
		d.text("DISCARD " + s.What)
	case *ast.Begin:
		d.begin(s)
	case *ast.Commit:
		d.text("COMMIT")
		d.when(s.Chain, " AND CHAIN")
	case *ast.Rollback:
		d.text("ROLLBACK")
		d.when(s.Chain, " AND CHAIN")
	case *ast.Savepoint:
		d.named("SAVEPOINT ", s.Name)
	case *ast.Release:
		d.named("RELEASE SAVEPOINT ", s.Name)
	case *ast.RollbackTo:
		d.named("ROLLBACK TO SAVEPOINT ", s.Name)
	default:
		return d.prepared(s)
	}
	return true
}

// setting writes the name of a setting, and ALL as a word.
func (d *deparser) setting(name string) {
	if name == "all" {
		d.text("ALL")
		return
	}
	d.dotted(strings.Split(name, "."))
}

func (d *deparser) set(s *ast.Set) {
	d.text("SET ")
	d.when(s.Scope == ast.SetLocal, "LOCAL ")
	if len(s.Values) == 1 {
		if v, ok := s.Values[0].(*ast.TypedLiteral); ok {
			d.text("TIME ZONE ")
			d.bare(v)
			return
		}
	}
	d.setting(s.Name)
	if s.Default {
		d.text(" TO DEFAULT")
		return
	}
	d.text(" = ")
	d.exprs(s.Values)
}

func (d *deparser) setTransaction(s *ast.SetTransaction) {
	switch {
	case s.Snapshot != "":
		d.text("SET TRANSACTION SNAPSHOT ")
		d.str(s.Snapshot)
		return
	case s.Session:
		d.text("SET SESSION CHARACTERISTICS AS TRANSACTION")
	default:
		d.text("SET TRANSACTION")
	}
	d.txModes(s.Modes)
}

func (d *deparser) begin(s *ast.Begin) {
	if s.Start {
		d.text("START TRANSACTION")
	} else {
		d.text("BEGIN")
	}
	d.txModes(s.Modes)
}

func (d *deparser) txModes(m ast.TxModes) {
	var modes []string
	if m.Isolation != "" {
		modes = append(modes, " ISOLATION LEVEL "+m.Isolation)
	}
	if m.ReadOnly != nil {
		modes = append(modes, map[bool]string{true: " READ ONLY", false: " READ WRITE"}[*m.ReadOnly])
	}
	if m.Deferrable != nil {
		modes = append(modes, map[bool]string{true: " DEFERRABLE", false: " NOT DEFERRABLE"}[*m.Deferrable])
	}
	d.text(strings.Join(modes, ","))
}

func (d *deparser) prepared(s ast.Statement) bool {
	switch s := s.(type) {
	case *ast.Prepare:
		d.named("PREPARE ", s.Name)
		if len(s.Types) > 0 {
			d.text(" (")
			list(d, s.Types, d.typeName)
			d.text(")")
		}
		d.text(" AS ")
		d.statement(s.Stmt)
	case *ast.Execute:
		d.named("EXECUTE ", s.Name)
		if len(s.Args) > 0 {
			d.call(" ", s.Args)
		}
	case *ast.Deallocate:
		d.text("DEALLOCATE ")
		d.identOr(s.Name, s.All, "ALL")
	case *ast.Declare:
		d.declare(s)
	case *ast.Fetch:
		d.fetch(s)
	case *ast.Close:
		d.text("CLOSE ")
		d.identOr(s.Name, s.All, "ALL")
	default:
		return false
	}
	return true
}

func (d *deparser) declare(s *ast.Declare) {
	d.named("DECLARE ", s.Name)
	d.when(s.Binary, " BINARY")
	d.text([...]string{"", " SCROLL", " NO SCROLL"}[s.Scroll] + " CURSOR ")
	d.when(s.Hold, "WITH HOLD ")
	d.text("FOR ")
	d.statement(s.Query)
}

func (d *deparser) fetch(s *ast.Fetch) {
	d.text(map[bool]string{false: "FETCH", true: "MOVE"}[s.Move])
	d.text([...]string{" FORWARD ", " BACKWARD ", " ABSOLUTE ", " RELATIVE "}[s.Direction])
	if s.All {
		d.text("ALL")
	} else {
		d.text(strconv.FormatInt(s.Count, 10))
	}
	d.named(" FROM ", s.Cursor)
}
