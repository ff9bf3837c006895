package kafka

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// trouble is a hook of the client that remembers whether the brokers answer: the client itself retries for
// ever and says nothing.
type trouble struct {
	mu struct {
		sync.Mutex
		err  error // of the last request; nil when it was answered
		past error // the last err that was not nil
		at   time.Time
	}
}

var (
	_ kgo.HookBrokerConnect = (*trouble)(nil)
	_ kgo.HookBrokerE2E     = (*trouble)(nil)
)

// OnBrokerConnect implements kgo.HookBrokerConnect.
func (t *trouble) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if err != nil {
		t.note(err)
	}
}

// OnBrokerE2E implements kgo.HookBrokerE2E.
func (t *trouble) OnBrokerE2E(_ kgo.BrokerMetadata, _ int16, e2e kgo.BrokerE2E) { t.note(e2e.Err()) }

func (t *trouble) note(err error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, kgo.ErrClientClosed) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.err = err
	if err != nil {
		t.mu.past, t.mu.at = err, time.Now()
	}
}

// troubleLasts is for how long an error counts that no other request has followed: what is needed is tried again much
// sooner, and who has nothing to ask is not away from anybody.
const troubleLasts = 30 * time.Second

// last returns the error of the last request, nil if it was answered.
func (t *trouble) last() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Since(t.mu.at) > troubleLasts {
		return nil
	}
	return t.mu.err
}

// history returns when the last error was, and which.
func (t *trouble) history() (at time.Time, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.mu.at, t.mu.past
}
