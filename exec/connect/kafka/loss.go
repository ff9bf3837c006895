package kafka

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/twmb/franz-go/pkg/kadm"
)

// loss is what became of a partition from which nothing can be read at the next offset.
type loss struct {
	partition int32
	was, now  int64
}

// passLoss moves partitions whose next record is gone to where on_offset_loss says, with an error row for
// each, or returns the error where it says 'fail'. cut has, by partition, where its log is no longer the one that was read;
// -1: that is not known.
func (s *Source) passLoss(ctx context.Context, adm *kadm.Client, in connect.Intake, cut map[int32]int64) error {
	losses, err := s.losses(ctx, adm, cut)
	if err != nil || len(losses) == 0 {
		return err
	}
	part := &connect.Part{Rows: s.emptyBatch(), Offsets: connect.Offsets{}}
	var places []string
	for _, l := range losses {
		places = append(places, place(l.partition, l.was))
		e := pgerr.Newf(pgerr.ObjectNotInState, "records of topic \"%s\" are gone before they were read", s.topic).
			WithDetail("%s", fmt.Sprintf("partition %d went on at offset %d instead of %d", l.partition, l.now, l.was))
		part.Errors = append(part.Errors, connect.RowError{Err: e})
		part.Offsets[l.partition], part.Offsets[epochOf(l.partition)] = l.now, -1
	}
	if s.onLoss == "fail" {
		return pgerr.Newf(pgerr.ObjectNotInState, "records of topic \"%s\" are gone before they were read", s.topic).
			WithDetail("They should have gone on at %s.", strings.Join(places, "; ")).
			WithHint("Set on_offset_loss to 'earliest' or 'latest' to go on without them.")
	}
	if err := in.Deliver(ctx, part); err != nil {
		return err
	}
	for _, l := range losses {
		s.track.moved(l.partition, l.now)
		s.build.forget(l.partition)
	}
	return nil
}

// losses asks how far the partitions reach, for as long as it takes, and returns those that really have lost records:
// a new leader may not know yet how far its own log reaches.
func (s *Source) losses(ctx context.Context, adm *kadm.Client, cut map[int32]int64) ([]loss, error) {
	for {
		starts, err := s.list(ctx, adm, earliest)
		var ends, stable connect.Offsets
		if err == nil {
			ends, err = listed(adm.ListEndOffsets(ctx, s.topic))
		}
		if err == nil {
			stable, err = s.list(ctx, adm, latest)
		}
		if err != nil {
			s.track.failed(s.connectError(err, &s.trouble))
			if err := pause(ctx); err != nil {
				return nil, err
			}
			continue
		}
		var out []loss
		for _, p := range slices.Sorted(maps.Keys(cut)) {
			start, known := starts[p]
			l := loss{partition: p, was: s.track.next(p)}
			switch {
			case !known || cut[p] < 0 && l.was >= start && l.was <= ends[p]:
				continue
			case s.onLoss == "latest":
				l.now = stable[p]
			case l.was < start:
				l.now = start
			case cut[p] >= 0: // what follows has not been read
				l.now = max(cut[p], start)
			default: // it cannot be told from what was read
				l.now = ends[p]
			}
			out = append(out, l)
		}
		return out, nil
	}
}
