package rig

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// need ends a test that lacks a part of the machine: a skip at a desk, a failure where CI=true, so that a
// test that never runs cannot pass for one that does.
func need(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// Tool returns the path of a program that the test needs, from the Debian package of that name.
func Tool(t testing.TB, program, debian string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		need(t, "%s is not on PATH (Debian: %s)", program, debian)
	}
	return path
}

// FreePort returns a TCP port of 127.0.0.1 that nobody listens on.
func FreePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("no free port: %v", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// cacheDir returns the folder named name under the rig's cache, filled by fill exactly once: fill works in
// a scratch folder that is renamed into place, under a lock that other test processes wait for.
func cacheDir(name string, fill func(dir string) error) (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	base = filepath.Join(base, "millrace-tests")
	if err := os.MkdirAll(base, 0o755); err != nil {
		return "", err
	}
	lock, err := os.OpenFile(filepath.Join(base, name+".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return "", err
	}
	defer lock.Close() // releases the lock
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", err
	}
	dir := filepath.Join(base, name)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	scratch, err := os.MkdirTemp(base, name+".part-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(scratch)
	if err := fill(scratch); err != nil {
		return "", fmt.Errorf("fetching %s: %w", name, err)
	}
	return dir, os.Rename(scratch, dir)
}

// Eventually polls cond until it returns nil, and fails the test with its last error after limit.
func Eventually(t testing.TB, limit time.Duration, cond func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		err := cond()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("still not after %v: %v", limit, err)
		}
		time.Sleep(pause)
	}
}
