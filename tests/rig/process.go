package rig

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// process is a child that ends with the test process, whatever ends that (on Linux; see orphan_other.go).
type process struct {
	cmd  *exec.Cmd
	log  string        // the file its output goes to
	done chan struct{} // closed when it has ended
	err  error         // of Wait; read after done
}

// spawner starts children from one goroutine bound to a thread that never ends: the kernel sends a
// parent-death signal when the *thread* that forked ends, and Go ends threads at will.
var spawner = sync.OnceValue(func() chan<- func() {
	jobs := make(chan func())
	go func() {
		runtime.LockOSThread()
		for job := range jobs {
			job()
		}
	}()
	return jobs
})

// start runs cmd with its output appended to the file log; onOrphan is what it receives should this
// process die.
func start(cmd *exec.Cmd, log string, onOrphan syscall.Signal) (*process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	whenOrphaned(cmd.SysProcAttr, onOrphan)
	cmd.SysProcAttr.Setpgid = true // ^C in a terminal is for the tests, which then end their children
	started := make(chan error)
	spawner() <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, log: log, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// signal sends s and waits for the end of the process; after limit it is killed.
func (p *process) signal(s syscall.Signal, limit time.Duration) error {
	select {
	case <-p.done:
		return p.err
	default:
	}
	_ = p.cmd.Process.Signal(s) // may have ended meanwhile
	select {
	case <-p.done:
		return p.err
	case <-time.After(limit):
		_ = p.cmd.Process.Kill()
		<-p.done
		return fmt.Errorf("%s did not end within %v of %v and was killed", filepath.Base(p.cmd.Path), limit, s)
	}
}

func (p *process) kill9() { _ = p.signal(syscall.SIGKILL, time.Minute) }

// await polls ready until it returns nil; the error of a process that ended, or was not ready within limit,
// carries the end of its log.
func (p *process) await(limit time.Duration, ready func() error) error {
	deadline := time.Now().Add(limit)
	for pause := 2 * time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended: %v\n%s", filepath.Base(p.cmd.Path), p.err, p.tail())
		default:
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s is not ready after %v: %w\n%s", filepath.Base(p.cmd.Path), limit, err, p.tail())
		}
		time.Sleep(pause)
	}
}

func (p *process) tail() string {
	b, _ := os.ReadFile(p.log)
	if len(b) > 4000 {
		b = append([]byte("..."), b[len(b)-4000:]...)
	}
	return string(bytes.TrimSpace(b))
}

// scratch is the temporary folder of this test process. A watchdog, a shell that waits for the end of its
// input, removes it when this process is gone, killed or not.
var scratch = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "millrace-rig-")
	if err != nil {
		return "", err
	}
	// PostgreSQL runs as another user when the tests run as root, and must reach its folder below.
	if err := os.Chmod(dir, 0o711); err != nil {
		return "", err
	}
	const script = `trap '' INT TERM HUP; read _; for i in 1 2 3 4 5; do sleep 1; rm -rf "$1" && exit; done 2>/dev/null`
	dog := exec.Command("/bin/sh", "-c", script, "sh", dir)
	dog.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if _, err := dog.StdinPipe(); err != nil { // the write end lives in cmd, and closes with this process
		return "", err
	}
	if err := dog.Start(); err != nil {
		return "", err
	}
	watchdogs = append(watchdogs, dog)
	return dir, nil
})

// watchdogs keeps their pipes reachable: a collected pipe is a closed one.
var watchdogs []*exec.Cmd

func dial(addr string) error {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err == nil {
		c.Close()
	}
	return err
}
