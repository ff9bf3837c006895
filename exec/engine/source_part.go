package engine

import (
	"encoding/json"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/storage"
)

// sourcePart is a connector's delivery on its way through the queue.
type sourcePart struct {
	run  *sourceRun
	part *connect.Part
}

// checkPart refuses parts of a life that is over, and of relations that are gone.
func (ct *cut) checkPart(p *sourcePart) error {
	if p.run.broken.Load() || ct.c.rels[p.run.meta.ID] == nil {
		return errSourceStopped
	}
	return nil
}

// sourcePart settles a part: its rows, errors and offsets enter this epoch.
func (ct *cut) sourcePart(p *sourcePart) error {
	id := p.run.meta.ID
	if b := p.part.Rows; b != nil && b.N+len(p.part.Truncates) > 0 {
		if p.run.meta.Kind == catalog.Table {
			ct.feedOf(p.run.meta).take(p.part)
		} else if err := ct.sourceRows(p, id); err != nil {
			return err
		}
	}
	if err := ct.sourceErrors(id, p.part); err != nil {
		return err
	}
	if ct.meta.Offsets == nil {
		ct.meta.Offsets = map[catalog.ID]connect.Offsets{}
	}
	if ct.meta.Offsets[id] == nil {
		ct.meta.Offsets[id] = connect.Offsets{}
	}
	ct.meta.Offsets[id].Merge(p.part.Offsets)
	return nil
}

// sourceRows logs the rows of a stream and gives them to the dataflow.
func (ct *cut) sourceRows(p *sourcePart, id catalog.ID) error {
	b := p.part.Rows
	ct.rec = appendBatch(ct.rec[:0], b)
	if err := ct.append(storage.Record{Rel: id, Kind: recRows, Payload: ct.rec}); err != nil {
		return err
	}
	if p.run.meta.Watermark != nil {
		ct.noteRuns(id, p.part.Runs, b.N)
	}
	ct.feedStream(id, b, p.part.Runs)
	return nil
}

// sourceErrors takes back the error rows of replayed records, and adds those of bad ones. A record that is replayed and
// still as bad as it was keeps its error row.
func (ct *cut) sourceErrors(id catalog.ID, part *connect.Part) error {
	var errs []sourceError
	if len(part.Replayed) > 0 {
		errs = ct.c.errs.at(id, part.Replayed)
	}
	for _, re := range part.Errors {
		e := sourceError{stream: id, code: re.Err.Code, message: re.Err.Message, data: errorData(re.Err, re.Data), weight: 1}
		if re.At != nil {
			e.at = *re.At
		} else {
			e.at.Partition, e.at.Offset = -1, -1
		}
		errs = append(errs, e)
	}
	for _, e := range netErrors(errs) {
		rec, err := json.Marshal(e.logged())
		if err != nil {
			return err
		}
		if err := ct.append(storage.Record{Rel: id, Kind: recError, Payload: rec}); err != nil {
			return err
		}
		ct.errs = append(ct.errs, e)
	}
	return nil
}

// netErrors adds up the weights of equal errors and leaves out those that come to nothing.
func netErrors(errs []sourceError) []sourceError {
	at := map[sourceError]int{}
	var out []sourceError
	for _, e := range errs {
		key := e
		key.weight = 0
		if i, ok := at[key]; ok {
			out[i].weight += e.weight
			continue
		}
		at[key] = len(out)
		out = append(out, e)
	}
	kept := out[:0]
	for _, e := range out {
		if e.weight != 0 {
			kept = append(kept, e)
		}
	}
	return kept
}

// noteRuns logs the partitions of a part's rows. Rows of the epoch in front of them came by INSERT: partition 0.
func (ct *cut) noteRuns(id catalog.ID, runs []connect.Run, rows int) {
	if ct.meta.Runs == nil {
		ct.meta.Runs = map[catalog.ID][]connect.Run{}
	}
	have := 0
	for _, r := range ct.meta.Runs[id] {
		have += r.Rows
	}
	if gap := ct.rows[id] - have; gap > 0 {
		ct.meta.Runs[id] = append(ct.meta.Runs[id], connect.Run{Rows: gap})
	}
	if runs == nil {
		runs = []connect.Run{{Rows: rows}}
	}
	ct.meta.Runs[id] = append(ct.meta.Runs[id], runs...)
}

// sourceError is a change of one error row of a connector's relation. It is comparable.
type sourceError struct {
	stream              catalog.ID
	code, message, data string
	at                  connect.Place // Partition -1: of no single record
	weight              int64
}

// logged is the error as a recError. Records of before errors had places have neither place nor weight.
func (e sourceError) logged() loggedError {
	l := loggedError{Code: e.code, Message: e.message, Data: e.data, Weight: e.weight}
	if e.at.Partition >= 0 {
		l.At = &e.at
	}
	return l
}

func (l *loggedError) sourceError(id catalog.ID) sourceError {
	e := sourceError{stream: id, code: l.Code, message: l.Message, data: l.Data, weight: l.Weight}
	if l.Weight == 0 {
		e.weight = 1
	}
	if l.At != nil {
		e.at = *l.At
	} else {
		e.at.Partition, e.at.Offset = -1, -1
	}
	return e
}

// errorData is the text of an error row's data: what is known beside the message, then the offending data.
func errorData(err *pgerr.Error, data string) string {
	switch {
	case err.Detail == "":
		return data
	case data == "":
		return err.Detail
	}
	return err.Detail + " " + data
}
