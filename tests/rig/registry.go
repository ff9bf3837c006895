package rig

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

const apicurioVersion = "3.3.3"

// SchemaRegistry is an Apicurio Registry in one Java process, with its content in memory.
type SchemaRegistry struct {
	URL  string // of its Confluent-compatible API
	proc *process
}

// Registry starts a schema registry for the test, stopped when it ends.
func Registry(t testing.TB) *SchemaRegistry {
	t.Helper()
	r, err := newRegistry(t, t.TempDir())
	if err != nil {
		t.Fatalf("starting the schema registry: %v", err)
	}
	t.Cleanup(r.Kill9)
	return r
}

var sharedRegistry struct {
	sync.Once
	*SchemaRegistry
	missing bool // what the machine needs for it
	err     error
}

// SharedRegistry returns the registry that the tests of this process share. It ends with the process.
func SharedRegistry(t testing.TB) *SchemaRegistry {
	t.Helper()
	s := &sharedRegistry
	s.Do(func() {
		base, err := scratch()
		if s.err = err; err != nil {
			return
		}
		s.missing = true
		s.SchemaRegistry, s.err = newRegistry(t, base) // ends the test where something is missing
		s.missing = false
	})
	if s.missing {
		need(t, "the schema registry is not here, as an earlier test has said")
	}
	if s.err != nil {
		t.Fatalf("starting the schema registry: %v", s.err)
	}
	return s.SchemaRegistry
}

// newRegistry starts a registry that logs into a folder.
func newRegistry(t testing.TB, dir string) (*SchemaRegistry, error) {
	t.Helper()
	java := javaSince(t, 21)
	lib, err := apicurio()
	if err != nil {
		need(t, "the schema registry is not here: %v", err)
	}
	port := FreePort(t)
	cmd := exec.Command(java, "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
		"-Dquarkus.http.host=127.0.0.1", fmt.Sprintf("-Dquarkus.http.port=%d", port),
		"-Dquarkus.management.host=127.0.0.1", "-Dquarkus.management.port=0", // else 9000, which another test process has
		"-jar", filepath.Join(lib, "quarkus-run.jar"))
	cmd.Dir = dir
	proc, err := start(cmd, filepath.Join(dir, "registry.log"), syscall.SIGKILL)
	if err != nil {
		return nil, err
	}
	r := &SchemaRegistry{URL: fmt.Sprintf("http://127.0.0.1:%d/apis/ccompat/v7", port), proc: proc}
	return r, proc.await(2*time.Minute, func() error {
		answer, err := http.Get(r.URL + "/subjects")
		if err != nil {
			return err
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("status %s", answer.Status)
		}
		return nil
	})
}

// Kill9 kills the registry where it stands.
func (r *SchemaRegistry) Kill9() { r.proc.kill9() }

// apicurio returns the folder of the unpacked application.
func apicurio() (string, error) {
	return cacheDir("apicurio-"+apicurioVersion, func(dir string) error {
		mvn, err := exec.LookPath("mvn")
		if err != nil {
			return fmt.Errorf("maven is needed to fetch it (Debian: maven)")
		}
		fetch := exec.Command(mvn, "-q", "-B", "dependency:copy", "-DoutputDirectory="+dir,
			"-Dartifact=io.apicurio:apicurio-registry-app:"+apicurioVersion+":tar.gz:all")
		if out, err := fetch.CombinedOutput(); err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		archive := filepath.Join(dir, "apicurio-registry-app-"+apicurioVersion+"-all.tar.gz")
		if out, err := exec.Command("tar", "-xzf", archive, "-C", dir).CombinedOutput(); err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		return os.Remove(archive)
	})
}
