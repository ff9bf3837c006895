package parser

import (
	"io"
	"sync"

	tidb "github.com/pingcap/tidb/pkg/parser"
	tast "github.com/pingcap/tidb/pkg/parser/ast"
	"github.com/pingcap/tidb/pkg/parser/format"
	"github.com/pingcap/tidb/pkg/parser/types"
)

// The TiDB parser asks its user for the nodes of constants. All of ours are ? holes, so that neither
// MySQL's strings nor its numbers are ever in the text; the few other hooks only have to exist.
func installDriver() {
	tast.NewParamMarkerExpr = func(off int) tast.ParamMarkerExpr { return &holeExpr{off: off} }
	tast.NewValueExpr = func(any, string, string) tast.ValueExpr { return &holeExpr{off: -1} }
	tast.NewDecimal = func(s string) (any, error) { return s, nil }
	tast.NewHexLiteral = func(s string) (any, error) { return s, nil }
	tast.NewBitLiteral = func(s string) (any, error) { return s, nil }
}

// holeExpr is a ? at an offset of the text.
type holeExpr struct {
	tast.Node
	off  int
	pos  int
	flag uint64
}

func (h *holeExpr) Restore(*format.RestoreCtx) error        { return nil }
func (h *holeExpr) Accept(v tast.Visitor) (tast.Node, bool) { n, _ := v.Enter(h); return v.Leave(n) }
func (h *holeExpr) Text() string                            { return "?" }
func (h *holeExpr) OriginalText() string                    { return "?" }
func (h *holeExpr) SetOriginTextPosition(pos int)           { h.pos = pos }
func (h *holeExpr) OriginTextPosition() int                 { return h.pos }
func (h *holeExpr) SetType(*types.FieldType)                {}
func (h *holeExpr) GetType() *types.FieldType               { return new(types.FieldType) }
func (h *holeExpr) SetFlag(f uint64)                        { h.flag = f }
func (h *holeExpr) GetFlag() uint64                         { return h.flag }
func (h *holeExpr) Format(io.Writer)                        {}
func (h *holeExpr) SetValue(any)                            {}
func (h *holeExpr) GetValue() any                           { return nil }
func (h *holeExpr) GetDatumString() string                  { return "" }
func (h *holeExpr) GetString() string                       { return "" }
func (h *holeExpr) GetProjectionOffset() int                { return -1 }
func (h *holeExpr) SetProjectionOffset(int)                 {}
func (h *holeExpr) SetOrder(int)                            {}

// parsers holds idle TiDB parsers: one is good for one goroutine at a time.
var parsers = sync.Pool{New: func() any {
	install.Do(installDriver)
	return tidb.New()
}}

var install sync.Once

// bigText is the length beyond which a TiDB parser is not kept: its tables have grown with the text.
const bigText = 1 << 20

// parseTiDB parses text and gives the statements to use before the parser goes back to the pool, which
// overwrites them.
func parseTiDB(text string, use func([]tast.StmtNode)) error {
	p := parsers.Get().(*tidb.Parser)
	stmts, _, err := p.ParseSQL(text)
	if err == nil {
		use(stmts)
	}
	if len(text) < bigText {
		p.Reset() // lets go of the tree
		parsers.Put(p)
	}
	return err
}
