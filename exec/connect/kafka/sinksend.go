package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/millracedb/millrace/exec/connect"
)

// sending sends what a queue has, transaction by transaction, with one producer.
//
//	fill:   read, encode, produce --- fill the next one: read, encode --- produce, fill on ...
//	commit:                       \-- flush, position, end --- Delivered --/
//
// While the brokers commit a transaction nothing can be produced: the records of the next one wait in the writer.
type sending struct {
	s *Sink
	p *producer
	q connect.Queue

	pos  connect.Position // behind what is in records
	ch   *connect.Changes // being made into records
	from int              // the first of ch.List that is not
	open bool             // inside an epoch of which a transaction must not end

	told chan error // the outcome of the last Delivered; nil: none is on its way
}

func (d *sending) run(ctx context.Context) error {
	defer func() { _ = d.heard() }() // the queue is another life's after this one
	w := &d.s.writer
	for {
		if !w.begun {
			more, err := d.fill()
			if err != nil {
				return err
			}
			if !more {
				if err := d.heard(); err != nil {
					return err
				}
				if err := d.q.Wait(ctx, d.pos); err != nil {
					return err
				}
				continue
			}
		}
		if err := d.transaction(ctx); err != nil {
			return err
		}
	}
}

// fill makes records of some more changes, and reports whether there were any.
func (d *sending) fill() (bool, error) {
	if d.ch == nil || d.from == len(d.ch.List) {
		ch, err := d.q.Next(d.pos)
		if err != nil {
			return false, &finalError{err}
		}
		d.ch, d.from = ch, 0
		if ch == nil {
			return false, nil
		}
	}
	n, err := d.s.writer.add(d.ch, d.from)
	if err != nil {
		return false, &finalError{err}
	}
	d.from += n
	// A long epoch is sent in parts where the position in it can be kept.
	if d.pos = d.ch.Next; d.from < len(d.ch.List) {
		d.pos = connect.Position{Epoch: d.ch.At.Epoch, Change: d.ch.At.Change + int64(d.from)}
		d.open = !d.ch.Kept
	} else {
		d.open = d.ch.Split && !d.ch.Kept
	}
	return true, nil
}

// transaction sends what is in records already and what follows, up to some size, as one transaction.
func (d *sending) transaction(ctx context.Context) error {
	if err := d.p.begin(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, d.s.patience)
	defer cancel()
	w := &d.s.writer
	for {
		for records := w.take(); records != nil; records = w.take() {
			d.p.produce(ctx, records)
		}
		if w.full() && !d.open {
			break
		}
		more, err := d.fill()
		if err == nil && !more && d.open {
			err = fmt.Errorf("epoch %d ends before its end", d.pos.Epoch)
		}
		if err != nil {
			d.p.abort()
			return err
		}
		if !more {
			break
		}
	}
	size := w.bytes
	err := d.end(ctx)
	w.adapt(size, errors.Is(ctx.Err(), context.DeadlineExceeded))
	return err
}

// end commits the transaction, and fills the next one meanwhile.
func (d *sending) end(ctx context.Context) error {
	w, pos := &d.s.writer, d.pos
	committed := make(chan error, 1)
	if w.records == 0 {
		committed <- d.p.drop(ctx)
	} else {
		go func() { committed <- d.p.commit(ctx, pos) }()
	}
	sent := w.changes
	w.turn()
	err, failed := d.ahead(committed)
	if err != nil {
		return err
	}
	w.spare.reset()
	d.s.moved = true
	d.s.track.sent(sent)
	if err := d.deliver(ctx, pos); err != nil {
		return err
	}
	return failed
}

// ahead fills the next transaction until the last one is over. It returns how that ended, and what went wrong with the
// next one.
func (d *sending) ahead(committed chan error) (err, failed error) {
	for !d.s.writer.full() {
		select {
		case err = <-committed:
			return err, nil
		default:
		}
		more, failed := d.fill()
		if failed != nil {
			return <-committed, failed
		}
		if !more {
			break
		}
	}
	return <-committed, nil
}

// deliver tells the queue, which takes as long as an epoch, while further changes are sent.
func (d *sending) deliver(ctx context.Context, pos connect.Position) error {
	if err := d.heard(); err != nil {
		return err
	}
	d.told = make(chan error, 1)
	go func() { d.told <- d.q.Delivered(context.WithoutCancel(ctx), pos) }()
	return nil
}

// heard waits until the queue knows what it was told last.
func (d *sending) heard() error {
	if d.told == nil {
		return nil
	}
	err := <-d.told
	d.told = nil
	return err
}
