package server

import (
	"context"
	"fmt"
	"net"

	"github.com/millracedb/millrace/exec/engine"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/server/pgwire"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/funcs"
)

// secure sets the password asked for, and decides who is let in: on loopback users without a password are trusted;
// elsewhere the superuser must have one, and nobody gets in without.
func (s *Server) secure() error {
	role := s.engine.Catalog().Role(catalog.SuperuserName)
	if s.cfg.Password != "" && !matches(role.Verifier, s.cfg.Password) {
		v, err := pgwire.NewVerifier(s.cfg.Password)
		if err != nil {
			return err
		}
		changed := *role
		changed.Verifier = v
		tx := s.engine.Begin(engine.TxnOptions{Single: true})
		ctx := context.Background()
		if err := tx.DDL(ctx, &physical.PutRole{Role: &changed}, &funcs.Ctx{Context: ctx}, nil); err != nil {
			return fmt.Errorf("setting the password: %w", err)
		}
		role = &changed
	}
	loopback := isLoopback(s.pg.Addr())
	if !loopback && role.Verifier == "" {
		return fmt.Errorf("refusing to listen on %s without a password: give one with --password-file, "+
			"or listen on 127.0.0.1", s.pg.Addr())
	}
	s.hub.Trust = loopback
	return nil
}

// matches reports whether a verifier was made from the password.
func matches(verifier, password string) bool {
	v, ok := pgwire.ParseVerifier(verifier)
	return ok && v.Matches(password)
}

func isLoopback(a net.Addr) bool {
	t, ok := a.(*net.TCPAddr)
	return ok && t.IP.IsLoopback()
}
