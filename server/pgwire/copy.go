package pgwire

import (
	"encoding/binary"
	"io"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/millracedb/millrace/sql/pgerr"
)

// CopyFormat is the FORMAT of COPY.
type CopyFormat uint8

// The formats.
const (
	CopyText CopyFormat = iota
	CopyCSV
	CopyBinary
)

// CopyOptions are the settled options of a COPY.
type CopyOptions struct {
	Format      CopyFormat
	Delim       byte
	Null        string
	Header      bool
	HeaderMatch bool
	Quote       byte   // csv
	Escape      byte   // csv
	ForceQuote  []bool // csv, by column; nil: none
	ForceNull   []bool
	ForceNotNil []bool // FORCE_NOT_NULL
}

func (o *CopyOptions) formats(columns int) (overall byte, codes []uint16) {
	codes = make([]uint16, columns)
	if o.Format == CopyBinary {
		overall = 1
		for i := range codes {
			codes[i] = 1
		}
	}
	return overall, codes
}

// CopyStream is the data of COPY FROM STDIN as it comes.
type CopyStream struct{ c *Conn }

// CopyIn asks the client for COPY data.
func (c *Conn) CopyIn(o *CopyOptions, columns int) (*CopyStream, error) {
	// The stream is read by its owner from here on; a disconnect is seen there.
	c.r.unwatch()
	c.r.setBulk(true)
	overall, codes := o.formats(columns)
	c.send(&pgproto3.CopyInResponse{OverallFormat: overall, ColumnFormatCodes: codes})
	return &CopyStream{c}, c.Flush()
}

// Next returns the next piece, valid until the following call; io.EOF after the last.
func (s *CopyStream) Next() ([]byte, error) {
	for {
		m, err := s.c.decode()
		if err != nil {
			if reason := s.c.terminated.Load(); reason != nil {
				return nil, reason
			}
			s.c.fail(err)
			return nil, errGone
		}
		switch m := m.(type) {
		case *pgproto3.CopyData:
			return m.Data, nil
		case *pgproto3.CopyDone:
			return nil, io.EOF
		case *pgproto3.CopyFail:
			return nil, pgerr.Newf(pgerr.QueryCanceled, "COPY from stdin failed: %s", m.Message)
		case *pgproto3.Flush, *pgproto3.Sync:
			// Sent by libraries that do not know yet that they started a COPY.
		case *pgproto3.Terminate:
			s.c.fail(io.EOF)
			return nil, errGone
		default:
			return nil, ProtocolError("unexpected message type %T during COPY from stdin", m)
		}
	}
}

// Close returns to normal reading.
func (s *CopyStream) Close() { s.c.r.setBulk(false) }

// CopyOut tells the client that COPY data follows.
func (c *Conn) CopyOut(o *CopyOptions, columns int) {
	overall, codes := o.formats(columns)
	c.send(&pgproto3.CopyOutResponse{OverallFormat: overall, ColumnFormatCodes: codes})
}

// CopyOutDone ends the data.
func (c *Conn) CopyOutDone() { c.empty('c') }

// beginData starts a CopyData message in the send buffer; endMessage ends it.
func (c *Conn) beginData() int {
	start := len(c.out)
	c.out = append(c.out, 'd', 0, 0, 0, 0)
	return start
}

// The signature that starts a binary COPY, with its flags and the length of its header extension.
const (
	binarySignature = "PGCOPY\n\xff\r\n\x00"
	binaryHeaderLen = len(binarySignature) + 8
)

func appendBinaryHeader(dst []byte) []byte {
	dst = append(dst, binarySignature...)
	return binary.BigEndian.AppendUint64(dst, 0)
}
