package session

import (
	"strings"

	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/parser"
	"github.com/millracedb/millrace/sql/pgerr"
)

// showQueries are the queries behind SHOW <objects>. $filter is where FROM and LIKE go.
var showQueries = map[string]string{
	"STREAMS":            listQuery("stream"),
	"TABLES":             listQuery("table"),
	"VIEWS":              listQuery("view"),
	"MATERIALIZED VIEWS": listQuery("materialized view"),
	"SEQUENCES":          listQuery("sequence"),
	"SOURCES":            `SELECT * FROM millrace.sources WHERE true $filter ORDER BY 1, 2`,
	"SINKS":              `SELECT * FROM millrace.sinks WHERE true $filter ORDER BY 1, 2`,
	"JOBS":               `SELECT * FROM millrace.jobs ORDER BY 1`,
	"SCHEMAS":            `SELECT nspname AS name FROM pg_catalog.pg_namespace WHERE true $filter ORDER BY 1`,
	"DATABASES":          `SELECT datname AS name FROM pg_catalog.pg_database ORDER BY 1`,
	"USERS":              `SELECT rolname AS name, rolsuper AS superuser FROM pg_catalog.pg_roles ORDER BY 1`,
	"ROLES":              `SELECT rolname AS name, rolsuper AS superuser FROM pg_catalog.pg_roles ORDER BY 1`,
}

func listQuery(kind string) string {
	return `SELECT schema, name, comment FROM millrace.relations WHERE kind = '` + kind + `' $filter ORDER BY 1, 2`
}

// rewriteShowObjects makes SHOW STREAMS and its like a query of the system relations.
func rewriteShowObjects(_ *Session, n ast.Statement) (ast.Statement, error) {
	sh := n.(*ast.ShowObjects)
	q, ok := showQueries[sh.What]
	if !ok {
		return nil, pgerr.Unsupported("SHOW " + sh.What).At(n.Pos())
	}
	name, filter := "name", ""
	if sh.What == "SCHEMAS" {
		name = "nspname"
	}
	if sh.Schema != "" {
		filter += " AND schema = " + quoteLiteral(sh.Schema)
	}
	if sh.Like != "" {
		filter += " AND " + name + " LIKE " + quoteLiteral(sh.Like)
	}
	return parseOne(strings.Replace(q, "$filter", filter, 1))
}

// rewriteDescribe makes DESCRIBE a query of the columns.
func rewriteDescribe(s *Session, n ast.Statement) (ast.Statement, error) {
	r, err := s.resolve(n.(*ast.Describe).Name)
	if err != nil {
		return nil, err
	}
	return parseOne(`SELECT attname AS name, pg_catalog.format_type(atttypid, atttypmod) AS type, NOT attnotnull AS nullable,
		(SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attrdef d
		 WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum) AS "default",
		pg_catalog.col_description(attrelid, attnum) AS comment
		FROM pg_catalog.pg_attribute a WHERE attrelid = ` + itoa(r.ID) + ` AND attnum > 0 AND NOT attisdropped ORDER BY attnum`)
}

// resolve finds a relation by name.
func (s *Session) resolve(n ast.ObjectName) (*catalog.Relation, error) {
	cat := s.catalog()
	var r *catalog.Relation
	if n.Schema == "" {
		r = cat.Resolve(s.searchPath(), n.Name)
	} else if sc := cat.Schema(n.Schema); sc != nil {
		r = cat.Lookup(sc.ID, n.Name)
	}
	if r == nil {
		return nil, pgerr.Newf(pgerr.UndefinedTable, `relation "%s" does not exist`, n).At(n.Pos())
	}
	return r, nil
}

func parseOne(sql string) (ast.Statement, error) {
	stmts, err := parser.Parse(sql)
	if err != nil {
		return nil, err
	}
	return stmts[0].Node, nil
}

func quoteLiteral(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
