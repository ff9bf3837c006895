package pgwire

import (
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/millracedb/millrace/sql/pgerr"
)

// Severities of errors and notices.
const (
	severityError = "ERROR"
	severityFatal = "FATAL"
	SeverityWarn  = "WARNING"
)

func (c *Conn) sendError(severity string, e *pgerr.Error) {
	c.send(&pgproto3.ErrorResponse{
		Severity:            severity,
		SeverityUnlocalized: severity,
		Code:                e.Code,
		Message:             e.Message,
		Detail:              e.Detail,
		Hint:                e.Hint,
		Position:            int32(e.Position),
		Where:               e.Where,
		SchemaName:          e.Schema,
		TableName:           e.Table,
		ColumnName:          e.Column,
		ConstraintName:      e.Constraint,
	})
}

// Notice sends a notice. It must be called by the connection's goroutine, within a Handler's method.
func (c *Conn) Notice(severity string, e *pgerr.Error) {
	c.send(&pgproto3.NoticeResponse{
		Severity:            severity,
		SeverityUnlocalized: severity,
		Code:                e.Code,
		Message:             e.Message,
		Detail:              e.Detail,
		Hint:                e.Hint,
		Position:            int32(e.Position),
		Where:               e.Where,
	})
}

// ProtocolError is 08P01.
func ProtocolError(format string, args ...any) *pgerr.Error {
	return pgerr.Newf(pgerr.ProtocolViolation, format, args...)
}
