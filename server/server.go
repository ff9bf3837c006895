package server

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/millracedb/millrace/exec/engine"
	"github.com/millracedb/millrace/server/httpapi"
	"github.com/millracedb/millrace/server/pgwire"
	"github.com/millracedb/millrace/server/session"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgcatalog"
)

// Config says what to serve and where.
type Config struct {
	DataDir     string
	Listen      string // host:port of the Postgres protocol
	HTTPListen  string // host:port of HTTP; "": none
	Async       bool   // durability async
	MemoryLimit int64  // bytes; 0: none
	Password    string // of the superuser, if it is to be set; "": as it is
	TLSCert     string // files in PEM; "" both: no TLS
	TLSKey      string
	Version     string
	Logger      *slog.Logger
}

// Server is a running server.
type Server struct {
	cfg    Config
	engine *engine.Engine
	hub    *session.Hub
	wire   *pgwire.Server
	pg     net.Listener
	web    *http.Server

	ctx     context.Context // of all connections
	cancel  context.CancelFunc
	closing atomic.Bool
}

// Start opens the data directory and begins to listen.
func Start(cfg Config) (*Server, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	s := &Server{cfg: cfg}
	tlsConfig, err := loadTLS(cfg)
	if err != nil {
		return nil, err
	}
	// The address is taken before the data directory is touched: a second server fails at once and changes nothing.
	if s.pg, err = net.Listen("tcp", cfg.Listen); err != nil {
		return nil, fmt.Errorf("cannot listen: %w", err)
	}
	if err := s.open(); err != nil {
		s.pg.Close()
		return nil, err
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return nil, err
	}
	s.wire = &pgwire.Server{Service: s.hub, TLS: tlsConfig, Secret: secret, Log: s.cfg.Logger}
	if err := s.startHTTP(); err != nil {
		s.Stop(context.Background())
		return nil, err
	}
	go s.accept()
	return s, nil
}

// open opens the engine and makes the hub of sessions over it.
func (s *Server) open() error {
	s.hub = &session.Hub{Connectors: connectors, Log: s.cfg.Logger, Defaults: s.defaults(), Started: time.Now()}
	providers := map[catalog.ID]engine.SystemRelation{}
	for id, p := range pgcatalog.Providers(s.live()) {
		providers[id] = engine.SystemRelation(p)
	}
	e, err := engine.Open(engine.Options{
		Dir: s.cfg.DataDir, Async: s.cfg.Async, Logger: s.cfg.Logger,
		SystemRelations: pgcatalog.Relations(), SystemSchemas: pgcatalog.Schemas(), Providers: providers,
		Connectors: connectors, ReaderMemory: s.cfg.MemoryLimit / 8,
	})
	if err != nil {
		return err
	}
	s.engine, s.hub.Door = e, e
	s.hub.Epoch = func() int64 { return int64(e.Epoch()) }
	s.hub.Size = s.size
	s.hub.CancelJob = e.CancelJob
	if err := s.secure(); err != nil {
		return errors.Join(err, e.Close(context.Background()))
	}
	return nil
}

// size is the bytes of a relation, of 0 those of log and state together.
func (s *Server) size(id catalog.ID) int64 {
	if id != 0 {
		_, bytes := s.engine.RelationSize(id)
		return max(bytes, 0)
	}
	log, pages, err := s.engine.DiskUsage()
	if err != nil {
		return 0
	}
	return log + pages
}

// defaults are the settings that show how this server runs.
func (s *Server) defaults() map[string]string {
	d := map[string]string{}
	if host, port, err := net.SplitHostPort(s.pg.Addr().String()); err == nil {
		d["listen_addresses"], d["port"] = host, port
	}
	if s.cfg.Async {
		d["synchronous_commit"] = "off"
	}
	if s.cfg.TLSCert != "" {
		d["ssl"] = "on"
	}
	if s.cfg.MemoryLimit > 0 {
		// No single query may take more than a part of it.
		d["query_memory_limit"] = strconv.FormatInt(max(s.cfg.MemoryLimit/4, 1<<20), 10)
	}
	return d
}

func loadTLS(cfg Config) (*tls.Config, error) {
	if cfg.TLSCert == "" && cfg.TLSKey == "" {
		return nil, nil
	}
	if cfg.TLSCert == "" || cfg.TLSKey == "" {
		return nil, errors.New("--tls-cert and --tls-key go together")
	}
	cert, err := tls.LoadX509KeyPair(cfg.TLSCert, cfg.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("loading the TLS certificate: %w", err)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{cert},
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"postgresql"},
	}, nil
}

func (s *Server) accept() {
	pause := time.Millisecond
	for {
		nc, err := s.pg.Accept()
		if err != nil {
			if s.closing.Load() {
				return
			}
			// Out of file descriptors, most likely: wait for some to come back.
			s.cfg.Logger.Error("accepting a connection", "err", err)
			time.Sleep(pause)
			pause = min(2*pause, time.Second)
			continue
		}
		pause = time.Millisecond
		go s.wire.Serve(s.ctx, nc)
	}
}

func (s *Server) startHTTP() error {
	if s.cfg.HTTPListen == "" {
		return nil
	}
	l, err := net.Listen("tcp", s.cfg.HTTPListen)
	if err != nil {
		return fmt.Errorf("cannot listen for HTTP: %w", err)
	}
	s.web = &http.Server{
		Handler: httpapi.Handler(httpapi.Source{
			Version: s.cfg.Version, Ready: s.ready, Sessions: s.hub.Count, Engine: s.engine,
		}),
		ReadHeaderTimeout: 10 * time.Second,
	}
	go func() {
		if err := s.web.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.cfg.Logger.Error("serving HTTP", "err", err)
		}
	}()
	return nil
}

func (s *Server) ready() error {
	if s.closing.Load() {
		return errors.New("the server is shutting down")
	}
	return nil
}

// Addr is where the Postgres protocol is spoken.
func (s *Server) Addr() net.Addr { return s.pg.Addr() }

// sessionGrace is how long sessions get to end when the server stops.
const sessionGrace = 5 * time.Second

// Stop ends the server: no new connections, running statements are cancelled, a last checkpoint is written.
func (s *Server) Stop(ctx context.Context) error {
	s.closing.Store(true)
	s.pg.Close()
	grace, cancel := context.WithTimeout(ctx, sessionGrace)
	defer cancel()
	s.hub.Shutdown(grace)
	s.cancel()
	if s.web != nil {
		_ = s.web.Shutdown(grace)
	}
	return s.engine.Close(ctx)
}
