package engine

import (
	"github.com/millracedb/millrace/exec/dataflow"
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// rowErrors are the rows of millrace.errors: rows that could not be decoded or computed (D9). One row per (relation,
// SQLSTATE, message, data), counted; it goes when the count is 0, that is when its cause was deleted.
type rowErrors struct {
	rows *state.Relation
	// perRel counts distinct errors of a relation, for the cap.
	perRel map[catalog.ID]int
}

// errorsTable is the state table of row errors; user tables have ids from catalog.FirstUserID.
const errorsTable = 1

// maxErrorsPerRelation caps the distinct error rows kept of one relation. Further ones are counted in one row whose
// message says so.
const maxErrorsPerRelation = 10_000

var errorTypes = []types.Type{
	types.T(types.Int8), // relation
	types.T(types.Text), // sqlstate
	types.T(types.Text), // message
	types.T(types.Text), // data
	types.T(types.Int8), // first epoch
	types.T(types.Int8), // count
}

var errorKey = []int{0, 1, 2, 3}

func newRowErrors() *rowErrors {
	return &rowErrors{rows: state.NewRelation(errorsTable, errorTypes, errorKey, false), perRel: map[catalog.ID]int{}}
}

// applyStep adds what a step of the dataflow reported.
func (r *rowErrors) applyStep(epoch uint64, errs []dataflow.RowError) {
	for _, e := range errs {
		r.add(epoch, e.View, e.Err, e.Data, e.Weight)
	}
}

// add changes the count of one error. It runs under the publish lock.
func (r *rowErrors) add(epoch uint64, rel catalog.ID, err *pgerr.Error, data string, weight int64) {
	if err.Detail != "" {
		if data != "" {
			data = err.Detail + " " + data
		} else {
			data = err.Detail
		}
	}
	row := r.row(rel, err.Code, err.Message, data)
	old := r.find(row)
	if old == nil && weight > 0 && r.perRel[rel] >= maxErrorsPerRelation {
		row = r.row(rel, "54000", "further errors, not kept one by one", "")
		old = r.find(row)
	}
	d := vec.NewBatch(errorTypes, 2)
	d.W = []int64{}
	first, count := int64(epoch), int64(0)
	if old != nil {
		first, count = old.Cols[4].I64[0], old.Cols[5].I64[0]
		d.AppendRow(old, 0, -1)
	}
	count += weight
	if count != 0 {
		row.Cols[4].I64[0], row.Cols[5].I64[0] = first, count
		d.AppendRow(row, 0, 1)
	}
	switch {
	case old == nil && count != 0:
		r.perRel[rel]++
	case old != nil && count == 0:
		r.perRel[rel]--
	}
	r.rows.Apply(d)
}

func (r *rowErrors) row(rel catalog.ID, code, message, data string) *vec.Batch {
	b := vec.NewBatch(errorTypes, 1)
	b.Cols[0].AppendI64(int64(rel))
	b.Cols[1].AppendStr(code)
	b.Cols[2].AppendStr(message)
	b.Cols[3].AppendStr(data)
	b.Cols[4].AppendI64(0)
	b.Cols[5].AppendI64(0)
	b.N = 1
	return b
}

func (r *rowErrors) find(row *vec.Batch) *vec.Batch {
	out := vec.NewBatch(errorTypes, 1)
	r.rows.Lookup(&vec.Batch{Cols: row.Cols[:4], N: 1}, []int{0, 1, 2, 3, 4, 5}, out, nil)
	if out.N == 0 {
		return nil
	}
	return out
}

// dropRelation forgets the errors of a relation that is dropped or rebuilt.
func (r *rowErrors) dropRelation(id catalog.ID) {
	if r.perRel[id] == 0 {
		return
	}
	d := vec.NewBatch(errorTypes, 0)
	d.W = []int64{}
	s := r.rows.Pin()
	_ = s.Scan([]int{0, 1, 2, 3, 4, 5}, func(b *vec.Batch) error {
		for i := range b.N {
			if catalog.ID(b.Cols[0].I64[i]) == id {
				d.AppendRow(b, i, -1)
			}
		}
		return nil
	})
	s.Release()
	r.rows.Apply(d)
	delete(r.perRel, id)
}

// loaded counts what recovery brought back.
func (r *rowErrors) loaded() error {
	if err := r.rows.Loaded(); err != nil {
		return err
	}
	s := r.rows.Pin()
	defer s.Release()
	return s.Scan([]int{0}, func(b *vec.Batch) error {
		for i := range b.N {
			r.perRel[catalog.ID(b.Cols[0].I64[i])]++
		}
		return nil
	})
}

// firstRowError is what a read of a view WITH (on_error = 'fail') raises, nil if it has no error rows.
func (e *Engine) firstRowError(id catalog.ID) error {
	e.publish.RLock()
	defer e.publish.RUnlock()
	if e.core.errs.perRel[id] == 0 {
		return nil
	}
	var found *pgerr.Error
	s := e.core.errs.rows.Pin()
	defer s.Release()
	_ = s.Scan([]int{0, 1, 2, 3}, func(b *vec.Batch) error {
		for i := range b.N {
			if found == nil && catalog.ID(b.Cols[0].I64[i]) == id {
				found = pgerr.New(string(b.Cols[1].Bytes(i)), string(b.Cols[2].Bytes(i))).
					WithDetail("Offending row: %s", b.Cols[3].Bytes(i)).
					WithHint("The view was made WITH (on_error = 'fail'). See millrace.errors.")
			}
		}
		return nil
	})
	if found == nil {
		return nil
	}
	return found
}

// Errors gives the rows of millrace.errors: relation id, SQLSTATE, message, data, first epoch, count.
func (e *Engine) Errors() *vec.Batch {
	e.publish.RLock()
	s := e.core.errs.rows.Pin()
	e.publish.RUnlock()
	defer s.Release()
	out := vec.NewBatch(errorTypes, 0)
	_ = s.Scan([]int{0, 1, 2, 3, 4, 5}, func(b *vec.Batch) error {
		out.Append(b)
		return nil
	})
	return out
}
