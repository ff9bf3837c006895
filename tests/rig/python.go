package rig

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Python returns a maker of commands that run Python with packages of PyPI, which are kept under a name.
func Python(t testing.TB, name string, packages ...string) func(args ...string) *exec.Cmd {
	t.Helper()
	lib := pypi(t, name, packages...)
	python := Tool(t, "python3", "python3-venv")
	return func(args ...string) *exec.Cmd {
		cmd := exec.Command(python, args...)
		cmd.Env = append(os.Environ(), "PYTHONPATH="+lib, "PYTHONDONTWRITEBYTECODE=1")
		return cmd
	}
}

// pypi returns the folder of packages of PyPI, which are kept under a name.
func pypi(t testing.TB, name string, packages ...string) string {
	t.Helper()
	python := Tool(t, "python3", "python3-venv")
	dir, err := cacheDir(name, func(dir string) error {
		venv := filepath.Join(dir, "venv") // for its pip: Debian's refuses to install anything
		if out, err := exec.Command(python, "-m", "venv", venv).CombinedOutput(); err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		pip := exec.Command(filepath.Join(venv, "bin", "pip"), append([]string{"-q", "install", "--target", filepath.Join(dir, "lib")}, packages...)...)
		if out, err := pip.CombinedOutput(); err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		return os.RemoveAll(venv)
	})
	if err != nil {
		need(t, "%s: %v", name, err)
	}
	return filepath.Join(dir, "lib")
}
