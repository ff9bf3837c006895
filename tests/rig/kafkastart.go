package rig

import (
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startOptions are what lets a broker be up in about a third of the processor time: its classes from an archive, and for
// tests, which restart it again and again, only the quick one of the two compilers.
func startOptions(t testing.TB, java, lib string) []string {
	var opts []string
	archiveOnce.Do(func() { archive, archiveErr = kafkaArchive(t, java, lib) })
	if archiveErr == nil {
		opts = append(opts, "-XX:SharedArchiveFile="+archive, "-Xlog:cds=off", "-Xlog:cds+dynamic=off")
	} else {
		t.Logf("Kafka starts without an archive of its classes: %v", archiveErr)
	}
	if _, bench := t.(*testing.B); !bench {
		opts = append(opts, "-XX:TieredStopAtLevel=1")
	}
	return opts
}

var (
	archiveOnce sync.Once
	archive     string
	archiveErr  error
)

// kafkaArchive returns a class data archive of a broker, written at the end of one that ran for it. It is for one Java and
// one folder of jars; any other Java passes over it.
func kafkaArchive(t testing.TB, java, lib string) (string, error) {
	program, err := filepath.EvalSymlinks(java)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(program)
	if err != nil {
		return "", err
	}
	h := fnv.New32a()
	fmt.Fprint(h, program, info.ModTime().UnixNano())
	dir, err := cacheDir(fmt.Sprintf("%s-classes-%08x", filepath.Base(lib), h.Sum32()), func(dir string) error {
		b := &Broker{t: t, node: &node{jvm: java, lib: lib, port: FreePort(t), dir: t.TempDir()}}
		b.options = []string{"-XX:ArchiveClassesAtExit=" + filepath.Join(dir, "kafka.jsa")}
		if err := b.begin(); err != nil {
			return err
		}
		b.CreateTopic("t", 1)
		b.Produce("t", 1, []byte("v"))
		b.client.Close()
		if err := b.proc.signal(syscall.SIGTERM, 2*time.Minute); err != nil {
			t.Logf("the broker whose classes are kept ended with %v", err) // 128 + the signal
		}
		_, err := os.Stat(filepath.Join(dir, "kafka.jsa"))
		return err
	})
	return filepath.Join(dir, "kafka.jsa"), err
}
