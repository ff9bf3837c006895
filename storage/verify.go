package storage

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/badger/v4/table"
	"github.com/dgraph-io/ristretto/v2/z"
)

// verifyTables checks every block of every table file that Badger's manifest
// names. Badger would do it itself (OnTableRead), but in goroutines of its own,
// where a flipped bit is a panic that ends the process, and a wrong checksum a
// line in the log and a table left out. Here both name the file.
func (st *stateDB) verifyTables() error {
	path := filepath.Join(st.dir, badger.ManifestFilename)
	f, err := os.Open(path)
	if err != nil {
		return permission(path, err)
	}
	defer f.Close()
	m, _, err := badger.ReplayManifestFile(f, 0, badgerOptions(st.dir, st.store.opts.Logger))
	if err != nil {
		return &DamageError{Path: path, Offset: -1, Detail: "cannot be read", Err: err}
	}
	work := make(chan uint64)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	for range runtime.GOMAXPROCS(0) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for id := range work {
				if err := st.verifyTable(id, m.Tables[id].Compression); err != nil {
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
				}
			}
		}()
	}
	for id := range m.Tables {
		work <- id
	}
	close(work)
	wg.Wait()
	if len(errs) == 0 {
		return nil
	}
	slices.SortFunc(errs, func(a, b error) int { return len(a.Error()) - len(b.Error()) })
	return errs[0]
}

func (st *stateDB) verifyTable(id uint64, c options.CompressionType) (err error) {
	path := table.NewFilename(id, st.dir)
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		return damaged(path, -1, "table file is missing or empty")
	}
	mf, err := z.OpenMmapFile(path, os.O_RDONLY, 0)
	if err != nil {
		return permission(path, err)
	}
	defer func() {
		if p := recover(); p != nil {
			what, _, _ := strings.Cut(strings.TrimSpace(fmt.Sprint(p)), "\n") // Badger's text is a page long
			err = damaged(path, -1, "table file does not make sense: %.100s", what)
			mf.Close(-1)
		}
	}()
	t, err := table.OpenTable(mf, table.Options{
		ReadOnly: true, ChkMode: options.OnTableRead, Compression: c, BlockSize: badger.DefaultOptions("").BlockSize,
	})
	if err != nil {
		return &DamageError{Path: path, Offset: -1, Detail: "table file", Err: err}
	}
	return t.Close(-1)
}
