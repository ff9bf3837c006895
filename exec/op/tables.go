package op

// TableAlloc hands out the ids of a view's state tables. The same plan takes the same number of ids in the same order, so
// that a plan read back from the catalog finds its tables again.
type TableAlloc struct {
	base uint32
	n    uint32
}

// NewTableAlloc starts at id base.
func NewTableAlloc(base uint32) *TableAlloc { return &TableAlloc{base: base} }

// Next returns the next id.
func (a *TableAlloc) Next() uint32 {
	a.n++
	return a.base + a.n - 1
}

// Taken is the number of ids handed out.
func (a *TableAlloc) Taken() int { return int(a.n) }
