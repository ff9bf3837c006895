package engine

import (
	"slices"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/exec/dataflow"
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// rowErrors are the rows of millrace.errors: rows that could not be decoded or computed (D9). One row per (relation,
// SQLSTATE, message, data, place of the record), counted; it goes when the count is 0, that is when its cause was deleted.
type rowErrors struct {
	rows *state.Relation
	// perRel counts distinct errors of a relation, for the cap.
	perRel map[catalog.ID]int
}

// errorsTable is the state table of row errors; user tables have ids from catalog.FirstUserID. (Number 1 was it before
// error rows had places; its pages are dropped.)
const errorsTable = 2

// maxErrorsPerRelation caps the distinct error rows kept of one relation. Further ones are counted in one row whose
// message says so.
const maxErrorsPerRelation = 10_000

// The columns of an error row.
const (
	errRelation = iota
	errCode
	errMessage
	errData
	errTopic     // "" with partition -1: of no single record
	errPartition // -1: none
	errOffset
	errKey
	errEpoch // the first
	errCount
)

var errorTypes = []types.Type{
	errRelation: types.T(types.Int8), errCode: types.T(types.Text), errMessage: types.T(types.Text), errData: types.T(types.Text),
	errTopic: types.T(types.Text), errPartition: types.T(types.Int8), errOffset: types.T(types.Int8), errKey: types.T(types.Text),
	errEpoch: types.T(types.Int8), errCount: types.T(types.Int8),
}

var (
	errorKey     = []int{errRelation, errCode, errMessage, errData, errTopic, errPartition, errOffset, errKey}
	errorColumns = append(slices.Clone(errorKey), errEpoch, errCount)
)

func newRowErrors() *rowErrors {
	return &rowErrors{rows: state.NewRelation(errorsTable, errorTypes, errorKey, false), perRel: map[catalog.ID]int{}}
}

// applyStep adds what a step of the dataflow reported.
func (r *rowErrors) applyStep(epoch uint64, errs []dataflow.RowError) {
	for _, e := range errs {
		r.add(epoch, e.View, e.Err, e.Data, e.Weight)
	}
}

// add changes the count of an error of no single record. It runs under the publish lock.
func (r *rowErrors) add(epoch uint64, rel catalog.ID, err *pgerr.Error, data string, weight int64) {
	r.change(epoch, sourceError{stream: rel, code: err.Code, message: err.Message, data: errorData(err, data),
		at: connect.Place{Partition: -1, Offset: -1}, weight: weight})
}

// change changes the count of one error. It runs under the publish lock.
func (r *rowErrors) change(epoch uint64, e sourceError) {
	row := r.row(e)
	old := r.find(row)
	if old == nil && e.weight > 0 && r.perRel[e.stream] >= maxErrorsPerRelation {
		row = r.row(sourceError{stream: e.stream, code: "54000", message: "further errors, not kept one by one",
			at: connect.Place{Partition: -1, Offset: -1}})
		old = r.find(row)
	}
	d := vec.NewBatch(errorTypes, 2)
	d.W = []int64{}
	first, count := int64(epoch), int64(0)
	if old != nil {
		first, count = old.Cols[errEpoch].I64[0], old.Cols[errCount].I64[0]
		d.AppendRow(old, 0, -1)
	}
	count += e.weight
	if count != 0 {
		row.Cols[errEpoch].I64[0], row.Cols[errCount].I64[0] = first, count
		d.AppendRow(row, 0, 1)
	}
	switch {
	case old == nil && count != 0:
		r.perRel[e.stream]++
	case old != nil && count == 0:
		r.perRel[e.stream]--
	}
	r.rows.Apply(d)
}

func (r *rowErrors) row(e sourceError) *vec.Batch {
	b := vec.NewBatch(errorTypes, 1)
	b.Cols[errRelation].AppendI64(int64(e.stream))
	b.Cols[errCode].AppendStr(e.code)
	b.Cols[errMessage].AppendStr(e.message)
	b.Cols[errData].AppendStr(e.data)
	b.Cols[errTopic].AppendStr(e.at.Topic)
	b.Cols[errPartition].AppendI64(int64(e.at.Partition))
	b.Cols[errOffset].AppendI64(e.at.Offset)
	b.Cols[errKey].AppendStr(e.at.Key)
	b.Cols[errEpoch].AppendI64(0)
	b.Cols[errCount].AppendI64(0)
	b.N = 1
	return b
}

func (r *rowErrors) find(row *vec.Batch) *vec.Batch {
	out := vec.NewBatch(errorTypes, 1)
	r.rows.Lookup(&vec.Batch{Cols: row.Cols[:len(errorKey)], N: 1}, errorColumns, out, nil)
	if out.N == 0 {
		return nil
	}
	return out
}

// at returns what takes back the error rows of records of a relation.
func (r *rowErrors) at(rel catalog.ID, places []connect.Place) []sourceError {
	type record struct {
		topic     string
		partition int32
		offset    int64
	}
	wanted := map[record]bool{}
	for _, p := range places {
		wanted[record{p.Topic, p.Partition, p.Offset}] = true
	}
	var out []sourceError
	s := r.rows.Pin()
	defer s.Release()
	_ = s.Scan(errorColumns, func(b *vec.Batch) error {
		for i := range b.N {
			p := connect.Place{Partition: int32(b.Cols[errPartition].I64[i]), Offset: b.Cols[errOffset].I64[i]}
			if catalog.ID(b.Cols[errRelation].I64[i]) != rel || p.Partition < 0 ||
				!wanted[record{b.Cols[errTopic].Str(i), p.Partition, p.Offset}] {
				continue
			}
			text := func(c int) string { return string(b.Cols[c].Bytes(i)) }
			p.Topic, p.Key = text(errTopic), text(errKey)
			out = append(out, sourceError{stream: rel, code: text(errCode), message: text(errMessage), data: text(errData),
				at: p, weight: -b.Cols[errCount].I64[i]})
		}
		return nil
	})
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
	_ = s.Scan(errorColumns, func(b *vec.Batch) error {
		for i := range b.N {
			if catalog.ID(b.Cols[errRelation].I64[i]) == id {
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

// Errors gives the rows of millrace.errors: relation id, SQLSTATE, message, data, topic, partition, offset and key of the
// record (partition -1: it is about no single record), first epoch, count.
func (e *Engine) Errors() *vec.Batch {
	e.publish.RLock()
	s := e.core.errs.rows.Pin()
	e.publish.RUnlock()
	defer s.Release()
	out := vec.NewBatch(errorTypes, 0)
	_ = s.Scan(errorColumns, func(b *vec.Batch) error {
		out.Append(b)
		return nil
	})
	return out
}
