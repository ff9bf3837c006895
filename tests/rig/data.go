package rig

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

const vegaVersion = "3.2.1"

// Flights returns the paths of two files of public data: 20,000 flights in the United States of 2001, one
// JSON array of {"date": "2001/01/01 00:47", "delay", "distance", "origin", "destination"}, and the
// airports as CSV with a header: iata, name, city, state, country, latitude, longitude.
func Flights(t testing.TB) (flights, airports string) {
	t.Helper()
	dir, err := vegaDatasets()
	if err != nil {
		need(t, "the flights data set is not here: %v", err)
	}
	return filepath.Join(dir, "flights-20k.json"), filepath.Join(dir, "airports.csv")
}

var vegaDatasets = sync.OnceValues(func() (string, error) {
	return cacheDir("vega-datasets-"+vegaVersion, func(dir string) error {
		for _, tool := range []string{"npm", "tar"} {
			if _, err := exec.LookPath(tool); err != nil {
				return fmt.Errorf("%s is needed to fetch it (Debian: %s)", tool, tool)
			}
		}
		for _, args := range [][]string{
			{"npm", "pack", "--silent", "vega-datasets@" + vegaVersion},
			{"tar", "-xzf", "vega-datasets-" + vegaVersion + ".tgz", "--strip-components=2",
				"package/data/flights-20k.json", "package/data/airports.csv"},
		} {
			cmd := exec.Command(args[0], args[1:]...)
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				return fmt.Errorf("%s: %w\n%s", args[0], err, out)
			}
		}
		return os.Remove(filepath.Join(dir, "vega-datasets-"+vegaVersion+".tgz"))
	})
})
