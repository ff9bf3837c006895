package session

import (
	"strings"

	"github.com/millracedb/millrace/exec/engine"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/server/pgwire"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

// runPlanned runs a statement that has a plan.
func runPlanned(s *Session, po *portal) (outcome, error) {
	return s.runPlan(po.stmt.made.Plan, po.stmt.cmd.tag(po.stmt.node), po.params)
}

func (s *Session) runPlan(plan physical.Statement, tag string, params []vec.Scalar) (outcome, error) {
	if c, ok := plan.(*physical.CreateRelation); ok && c.Query != nil {
		return s.createAs(c, params)
	}
	tx := s.txn.begin(s)
	ctx, done := s.statementContext()
	var res engine.Result
	var err error
	switch p := plan.(type) {
	case *physical.Query:
		fc := s.evalCtx(ctx)
		fc.Params = params
		cur, err := tx.Query(ctx, p, fc)
		if err != nil {
			done()
			return outcome{}, err
		}
		out := outcome{rows: cur, command: tag, count: countsRows}
		if s.timeout() > 0 {
			out.rows = &timed{cur, done} // it covers the fetching of a simple query's rows too
		}
		return out, nil
	case *physical.Insert:
		res, err = tx.Insert(ctx, p, s.writeCtx(ctx, params))
		tag = "INSERT 0"
	case *physical.Update:
		res, err = tx.Update(ctx, p, s.writeCtx(ctx, params))
	case *physical.Delete:
		res, err = tx.Delete(ctx, p, s.writeCtx(ctx, params))
	case physical.DDL:
		defer done()
		return s.runDDL(tx, p, tag)
	default:
		err = pgerr.Unsupported(tag)
	}
	done()
	if err != nil {
		return outcome{}, err
	}
	out := outcome{command: tag, count: res.Rows}
	if res.Returning != nil {
		out.rows = &batchRows{res.Returning}
	}
	return out, nil
}

// timed ends a statement's timeout with its cursor.
type timed struct {
	engine.Cursor
	done func()
}

func (t *timed) Next() (*vec.Batch, error) {
	b, err := t.Cursor.Next()
	if b == nil {
		t.done()
	}
	return b, err
}

func (t *timed) Close() {
	t.Cursor.Close()
	t.done()
}

func (s *Session) runDDL(tx engine.Txn, d physical.DDL, tag string) (outcome, error) {
	ctx, _ := s.statementContext()
	if r, ok := d.(*physical.PutRole); ok {
		var err error
		if d, err = hashPassword(r); err != nil {
			return outcome{}, err
		}
	}
	err := tx.DDL(ctx, d, s.evalCtx(ctx), func(severity, code, message string) {
		s.notice(severity, code, message)
		// Progress of a long backfill is worth seeing as it comes.
		_ = s.conn.Flush()
	})
	if err != nil {
		return outcome{}, err
	}
	return outcome{command: tag, count: noCount}, nil
}

// createAs is CREATE TABLE AS: the table, then its rows, in one transaction; the tag counts the rows.
func (s *Session) createAs(c *physical.CreateRelation, params []vec.Scalar) (outcome, error) {
	s.txn.alone = false
	tx := s.txn.begin(s)
	there := tx.Catalog().Lookup(c.Rel.Schema, c.Rel.Name) != nil
	bare := *c
	bare.Query = nil
	out, err := s.runDDL(tx, &bare, "CREATE TABLE AS")
	if err != nil || there {
		return out, err
	}
	rel := tx.Catalog().Lookup(c.Rel.Schema, c.Rel.Name)
	ctx, done := s.statementContext()
	defer done()
	fc := s.evalCtx(ctx)
	fc.Params = params
	res, err := tx.Insert(ctx, &physical.Insert{Rel: rel.ID, Query: c.Query}, fc)
	return outcome{command: "SELECT", count: res.Rows}, err
}

// hashPassword replaces a password by its verifier, so that no password is ever stored.
func hashPassword(r *physical.PutRole) (physical.DDL, error) {
	v := r.Role.Verifier
	if v == "" || strings.HasPrefix(v, "SCRAM-SHA-256$") {
		return r, nil
	}
	verifier, err := pgwire.NewVerifier(v)
	if err != nil {
		return nil, err
	}
	role := *r.Role
	role.Verifier = verifier
	return &physical.PutRole{Role: &role}, nil
}

func runBegin(s *Session, po *portal) (outcome, error) {
	n := po.stmt.node.(*ast.Begin)
	name := "BEGIN"
	if n.Start {
		name = "START TRANSACTION"
	}
	if s.txn.state == block {
		s.notice(pgwire.SeverityWarn, pgerr.ActiveSQLTransaction, "there is already a transaction in progress")
		return outcome{command: name, count: noCount}, nil
	}
	s.txn.state = block // what came before in the implicit transaction belongs to the block
	s.setModes(n.Modes)
	return outcome{command: name, count: noCount}, nil
}

// setModes applies transaction modes to the open transaction.
func (s *Session) setModes(m ast.TxModes) {
	if m.ReadOnly != nil {
		s.txn.readOnly = *m.ReadOnly
	}
	if m.Isolation != "" {
		s.txn.isolation = strings.ToLower(m.Isolation)
	}
	s.showModes()
}

func runCommit(s *Session, po *portal) (outcome, error) {
	chain := po.stmt.node.(*ast.Commit).Chain
	out := outcome{command: "COMMIT", count: noCount}
	modes := s.txn
	switch s.txn.state {
	case failed:
		s.txn.rollback(s)
		out.command = "ROLLBACK"
	case block:
		if err := s.txn.commit(s); err != nil {
			return outcome{}, err
		}
	default:
		if chain {
			return outcome{}, pgerr.New(pgerr.NoActiveSQLTransaction, "COMMIT AND CHAIN can only be used in transaction blocks")
		}
		s.notice(pgwire.SeverityWarn, pgerr.NoActiveSQLTransaction, "there is no transaction in progress")
		if err := s.txn.endImplicit(s); err != nil {
			return outcome{}, err
		}
	}
	s.chain(chain, &modes)
	return out, nil
}

func runRollback(s *Session, po *portal) (outcome, error) {
	chain := po.stmt.node.(*ast.Rollback).Chain
	modes := s.txn
	if s.txn.state == block || s.txn.state == failed {
		s.txn.rollback(s)
	} else {
		if chain {
			return outcome{}, pgerr.New(pgerr.NoActiveSQLTransaction, "ROLLBACK AND CHAIN can only be used in transaction blocks")
		}
		s.notice(pgwire.SeverityWarn, pgerr.NoActiveSQLTransaction, "there is no transaction in progress")
		s.txn.rollback(s)
	}
	s.chain(chain, &modes)
	return outcome{command: "ROLLBACK", count: noCount}, nil
}

// chain starts the next transaction of AND CHAIN with the modes of the last.
func (s *Session) chain(chain bool, last *transaction) {
	if !chain {
		return
	}
	s.txn.open(s, block)
	s.txn.readOnly, s.txn.isolation = last.readOnly, last.isolation
	s.showModes()
}

func runSavepoint(s *Session, po *portal) (outcome, error) {
	if s.txn.state != block {
		return outcome{}, pgerr.New(pgerr.NoActiveSQLTransaction, "SAVEPOINT can only be used in transaction blocks")
	}
	s.txn.savepoint(s, po.stmt.node.(*ast.Savepoint).Name)
	return outcome{command: "SAVEPOINT", count: noCount}, nil
}

func runRelease(s *Session, po *portal) (outcome, error) {
	if s.txn.state != block {
		return outcome{}, pgerr.New(pgerr.NoActiveSQLTransaction, "RELEASE SAVEPOINT can only be used in transaction blocks")
	}
	return outcome{command: "RELEASE", count: noCount}, s.txn.release(po.stmt.node.(*ast.Release).Name)
}

func runRollbackTo(s *Session, po *portal) (outcome, error) {
	if s.txn.state != block && s.txn.state != failed {
		return outcome{}, pgerr.New(pgerr.NoActiveSQLTransaction, "ROLLBACK TO SAVEPOINT can only be used in transaction blocks")
	}
	return outcome{command: "ROLLBACK", count: noCount}, s.txn.rollbackTo(s, po.stmt.node.(*ast.RollbackTo).Name)
}

func runSetTransaction(s *Session, po *portal) (outcome, error) {
	n := po.stmt.node.(*ast.SetTransaction)
	out := outcome{command: "SET", count: noCount}
	switch {
	case n.Snapshot != "":
		return outcome{}, pgerr.Unsupported("SET TRANSACTION SNAPSHOT")
	case n.Session:
		return out, s.setDefaults(n.Modes)
	case s.txn.state == block:
		s.setModes(n.Modes)
	default:
		s.notice(pgwire.SeverityWarn, pgerr.NoActiveSQLTransaction, "SET TRANSACTION can only be used in transaction blocks")
	}
	return out, nil
}

// setDefaults is SET SESSION CHARACTERISTICS.
func (s *Session) setDefaults(m ast.TxModes) error {
	if m.Isolation != "" {
		if err := s.settings.change("default_transaction_isolation", m.Isolation, false); err != nil {
			return err
		}
	}
	onOff := map[bool]string{true: "on", false: "off"}
	if m.ReadOnly != nil {
		if err := s.settings.change("default_transaction_read_only", onOff[*m.ReadOnly], false); err != nil {
			return err
		}
	}
	if m.Deferrable != nil {
		return s.settings.change("default_transaction_deferrable", onOff[*m.Deferrable], false)
	}
	return nil
}
