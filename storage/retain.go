package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
)

// SetRetention says that rows of rel at epochs up to from are not needed by
// anyone: math.MaxUint64 = none are, as for tables and views, whose rows are in
// pages. A relation that nothing was said about keeps everything, so after
// Open say it for all before the first Truncate. Scans do not go back behind
// from. Not durable: the catalog knows.
func (s *Store) SetRetention(rel uint32, from uint64) {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.log.retain[rel] = from
}

// DropRelation: none of its rows are needed any more.
func (s *Store) DropRelation(rel uint32) { s.SetRetention(rel, math.MaxUint64) }

// droppable reports whether nothing needs sealed segment g.
func (l *segmentLog) droppable(g *segment) bool {
	if !g.sealed || g.refs > 0 || g.pending > 0 || g.newest > l.manifest || max(g.base, g.last) > l.manifest {
		return false
	}
	for rel, epoch := range g.rels {
		if rel != 0 && l.retain[rel] < epoch {
			return false
		}
	}
	return true
}

// Truncate unlinks the segments that the manifest covers, that hold nothing
// retained and that no scanner reads. A segment in the middle goes as well.
func (s *Store) Truncate() error {
	if err := s.fault.get(); err != nil {
		return err
	}
	l := s.log
	s.state.segMu.Lock()
	defer s.state.segMu.Unlock()
	l.mu.Lock()
	var gone []*segment
	l.segs = slices.DeleteFunc(l.segs, func(g *segment) bool {
		if g == l.active() || !l.droppable(g) {
			return false
		}
		gone = append(gone, g)
		return true
	})
	l.mu.Unlock()
	if len(gone) == 0 {
		return nil
	}
	// First they leave the list that Open compares the files with.
	if err := s.state.forgetSegments(gone); err != nil {
		return s.fault.set(fmt.Errorf("forgetting log segments: %w", err))
	}
	for _, g := range gone {
		if err := os.Remove(g.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return s.fault.set(err)
		}
	}
	return syncDir(l.dir)
}
