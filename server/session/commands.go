package session

import (
	"reflect"
	"strings"
	"sync"

	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/pgerr"
)

// command says how statements of one kind are run.
type command struct {
	run func(*Session, *portal) (outcome, error)
	// tag is the command tag without counts, and the name in messages.
	tag func(ast.Statement) string
	// planned statements go through the planner, after rewrite if there is one.
	planned bool
	rewrite func(*Session, ast.Statement) (ast.Statement, error)
	// fields are the columns of a statement that is not planned; nil: it returns no rows.
	fields func(*Session, ast.Statement) ([]physical.Field, error)
	// silent statements return no rows of their plan.
	silent bool
	// inFailed statements run in an aborted transaction.
	inFailed bool
	// write statements are refused in a read-only transaction.
	write bool
}

func (c *command) rewritten(s *Session, n ast.Statement) (ast.Statement, error) {
	if c.rewrite == nil {
		return n, nil
	}
	return c.rewrite(s, n)
}

func (c *command) writes(n ast.Statement) bool {
	if cp, ok := n.(*ast.Copy); ok {
		return cp.From
	}
	return c.write
}

// commandOf finds a statement's row in the table.
func commandOf(n ast.Statement) *command {
	commands.once.Do(func() { commands.byType = commandTable() })
	if c, ok := commands.byType[reflect.TypeOf(n)]; ok {
		return c
	}
	return &unknownCommand
}

var unknownCommand = command{run: runUnsupported, tag: func(n ast.Statement) string {
	return strings.ToUpper(strings.TrimPrefix(reflect.TypeOf(n).String(), "*ast."))
}}

func runUnsupported(_ *Session, po *portal) (outcome, error) {
	return outcome{}, pgerr.Unsupported(po.stmt.cmd.tag(po.stmt.node))
}

func tag(s string) func(ast.Statement) string { return func(ast.Statement) string { return s } }

// kinded is a tag that ends in the statement's kind of object.
func kinded(verb string, kind func(ast.Statement) ast.ObjectKind) func(ast.Statement) string {
	return func(n ast.Statement) string { return verb + " " + string(kind(n)) }
}

func typeOf[T ast.Statement]() reflect.Type { return reflect.TypeFor[T]() }

// commands is the table, made on first use: the code that it names looks things up in it.
var commands struct {
	once   sync.Once
	byType map[reflect.Type]*command
}

func query(name string) *command { return &command{run: runPlanned, tag: tag(name), planned: true} }
func change(name string) *command {
	return &command{run: runPlanned, tag: tag(name), planned: true, write: true}
}
func changeOf(f func(ast.Statement) string) *command {
	return &command{run: runPlanned, tag: f, planned: true, write: true}
}
func utility(name string, run func(*Session, *portal) (outcome, error)) *command {
	return &command{run: run, tag: tag(name)}
}
func control(name string, run func(*Session, *portal) (outcome, error)) *command {
	return &command{run: run, tag: tag(name), inFailed: true}
}

// accepted statements have nothing to do here.
func accepted(name string) *command { return utility(name, runAccepted) }

func commandTable() map[reflect.Type]*command {
	return map[reflect.Type]*command{
		typeOf[*ast.Select](): query("SELECT"),
		typeOf[*ast.Insert](): change("INSERT"),
		typeOf[*ast.Update](): change("UPDATE"),
		typeOf[*ast.Delete](): change("DELETE"),

		typeOf[*ast.CreateTable](): changeOf(tag("CREATE TABLE")),
		typeOf[*ast.CreateStream](): changeOf(func(n ast.Statement) string {
			if n.(*ast.CreateStream).Source {
				return "CREATE SOURCE"
			}
			return "CREATE STREAM"
		}),
		typeOf[*ast.CreateView]():             change("CREATE VIEW"),
		typeOf[*ast.CreateMaterializedView](): change("CREATE MATERIALIZED VIEW"),
		typeOf[*ast.CreateSchema]():           change("CREATE SCHEMA"),
		typeOf[*ast.CreateSink]():             change("CREATE SINK"),
		typeOf[*ast.CreateSecret]():           change("CREATE SECRET"),
		typeOf[*ast.AlterSecret]():            change("ALTER SECRET"),
		typeOf[*ast.CreateIndex]():            change("CREATE INDEX"),
		typeOf[*ast.CreateRole]():             change("CREATE ROLE"),
		typeOf[*ast.AlterRole]():              change("ALTER ROLE"),
		typeOf[*ast.Drop](): changeOf(kinded("DROP", func(n ast.Statement) ast.ObjectKind {
			return n.(*ast.Drop).Kind
		})),
		typeOf[*ast.Alter](): changeOf(kinded("ALTER", func(n ast.Statement) ast.ObjectKind {
			return n.(*ast.Alter).Kind
		})),
		typeOf[*ast.Truncate](): change("TRUNCATE TABLE"),
		typeOf[*ast.Comment]():  change("COMMENT"),
		typeOf[*ast.Rebuild]():  change("REBUILD MATERIALIZED VIEW"),
		typeOf[*ast.Grant]():    {run: runGrant, tag: grantTag, write: true},

		typeOf[*ast.Copy]():    {run: runCopy, tag: tag("COPY"), planned: true, silent: true, rewrite: rewriteCopy},
		typeOf[*ast.Explain](): {run: runExplain, tag: tag("EXPLAIN"), planned: true},

		typeOf[*ast.Begin]():          utility("BEGIN", runBegin),
		typeOf[*ast.Commit]():         control("COMMIT", runCommit),
		typeOf[*ast.Rollback]():       control("ROLLBACK", runRollback),
		typeOf[*ast.RollbackTo]():     control("ROLLBACK", runRollbackTo),
		typeOf[*ast.Savepoint]():      utility("SAVEPOINT", runSavepoint),
		typeOf[*ast.Release]():        utility("RELEASE", runRelease),
		typeOf[*ast.SetTransaction](): utility("SET", runSetTransaction),

		typeOf[*ast.Set]():         utility("SET", runSet),
		typeOf[*ast.Reset]():       utility("RESET", runReset),
		typeOf[*ast.Show]():        {run: runShow, tag: tag("SHOW"), fields: showFields},
		typeOf[*ast.Discard]():     {run: runDiscard, tag: discardTag},
		typeOf[*ast.ShowObjects](): {run: runPlanned, tag: tag("SHOW"), planned: true, rewrite: rewriteShowObjects},
		typeOf[*ast.ShowCreate]():  {run: runPlanned, tag: tag("SHOW"), planned: true, rewrite: rewriteShowCreate},
		typeOf[*ast.Describe]():    {run: runPlanned, tag: tag("DESCRIBE"), planned: true, rewrite: rewriteDescribe},

		typeOf[*ast.Prepare]():    utility("PREPARE", runPrepare),
		typeOf[*ast.Execute]():    {run: runExecute, tag: tag("EXECUTE"), fields: executeFields},
		typeOf[*ast.Deallocate](): {run: runDeallocate, tag: deallocateTag},

		typeOf[*ast.Declare](): utility("DECLARE CURSOR", runDeclare),
		typeOf[*ast.Fetch]():   {run: runFetch, tag: fetchTag, fields: fetchFields},
		typeOf[*ast.Close]():   {run: runClose, tag: closeTag},

		typeOf[*ast.Listen]():     utility("LISTEN", runListen),
		typeOf[*ast.Unlisten]():   utility("UNLISTEN", runUnlisten),
		typeOf[*ast.Notify]():     utility("NOTIFY", runNotify),
		typeOf[*ast.Lock]():       utility("LOCK TABLE", runLock),
		typeOf[*ast.Flush]():      accepted("FLUSH"),
		typeOf[*ast.Checkpoint](): accepted("CHECKPOINT"),
		typeOf[*ast.Analyze]():    accepted("ANALYZE"),
		typeOf[*ast.Vacuum]():     utility("VACUUM", runVacuum),
		typeOf[*ast.Refresh]():    accepted("REFRESH MATERIALIZED VIEW"),
		typeOf[*ast.CancelJobs](): utility("CANCEL JOB", runCancelJobs),
		typeOf[*ast.Subscribe]():  {run: runUnsupported, tag: tag("SUBSCRIBE")},
		typeOf[*ast.Other]():      {run: runOther, tag: otherTag},
	}
}

func runAccepted(_ *Session, po *portal) (outcome, error) {
	return outcome{command: po.stmt.cmd.tag(po.stmt.node), count: noCount}, nil
}

func otherTag(n ast.Statement) string { return n.(*ast.Other).Tag }

func runOther(_ *Session, po *portal) (outcome, error) {
	return outcome{}, pgerr.Unsupported(otherTag(po.stmt.node))
}

func runGrant(s *Session, po *portal) (outcome, error) {
	s.notice("WARNING", pgerr.Warning, "privileges are not enforced: every role can use every object")
	return outcome{command: grantTag(po.stmt.node), count: noCount}, nil
}

func grantTag(n ast.Statement) string {
	if n.(*ast.Grant).Revoke {
		return "REVOKE"
	}
	return "GRANT"
}

func runLock(s *Session, _ *portal) (outcome, error) {
	if s.txn.state != block {
		return outcome{}, pgerr.New(pgerr.NoActiveSQLTransaction, "LOCK TABLE can only be used in transaction blocks")
	}
	return outcome{command: "LOCK TABLE", count: noCount}, nil
}

func runVacuum(s *Session, _ *portal) (outcome, error) {
	if s.txn.state == block {
		return outcome{}, pgerr.New(pgerr.ActiveSQLTransaction, "VACUUM cannot run inside a transaction block")
	}
	return outcome{command: "VACUUM", count: noCount}, nil
}

func runCancelJobs(s *Session, po *portal) (outcome, error) {
	for _, id := range po.stmt.node.(*ast.CancelJobs).IDs {
		if !s.hub.CancelJob(id) {
			return outcome{}, pgerr.Newf(pgerr.UndefinedObject, "job %d does not exist", id)
		}
	}
	return outcome{command: "CANCEL JOB", count: noCount}, nil
}
