package storage

import (
	"testing"

	"github.com/dgraph-io/badger/v4"
)

// countKeys counts every key in Badger: what leaks shows here.
func countKeys(t testing.TB, s *Store) int {
	t.Helper()
	n := 0
	if err := s.state.db.View(func(txn *badger.Txn) error {
		return each(txn, nil, func(*badger.Item) error { n++; return nil })
	}); err != nil {
		t.Fatal(err)
	}
	return n
}
