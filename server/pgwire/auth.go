package pgwire

import (
	"context"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/millracedb/millrace/sql/pgerr"
)

// begin authenticates and opens the session.
func (s *Server) begin(ctx context.Context, c *Conn, st *Startup) (Handler, error) {
	if err := st.settle(c); err != nil {
		return nil, err
	}
	c.be.SetMaxBodyLen(maxStartupPacket)
	if err := s.authenticate(c, st); err != nil {
		return nil, err
	}
	c.send(&pgproto3.AuthenticationOk{})
	h, key, err := s.Service.Open(ctx, st, c)
	if err != nil {
		return nil, err
	}
	c.be.SetMaxBodyLen(c.maxMessage)
	c.send(&pgproto3.BackendKeyData{ProcessID: key.PID, SecretKey: key.Secret})
	return h, nil
}

func (s *Server) authenticate(c *Conn, st *Startup) error {
	text, trust := s.Service.Credentials(st)
	if trust {
		return nil
	}
	v, known := ParseVerifier(text)
	if !known {
		v = mockVerifier(st.User, s.Secret)
	}
	ours, err := newNonce()
	if err != nil {
		return err
	}
	x := &scram{v: v}

	c.send(&pgproto3.AuthenticationSASL{AuthMechanisms: []string{scramMechanism}})
	first, err := c.receiveSASL(pgproto3.AuthTypeSASL)
	if err != nil {
		return err
	}
	initial, ok := first.(*pgproto3.SASLInitialResponse)
	if !ok || initial.AuthMechanism != scramMechanism {
		return ProtocolError("client selected an invalid SASL authentication mechanism")
	}
	reply, err := x.first(initial.Data, ours)
	if err != nil {
		return err
	}

	c.send(&pgproto3.AuthenticationSASLContinue{Data: []byte(reply)})
	next, err := c.receiveSASL(pgproto3.AuthTypeSASLContinue)
	if err != nil {
		return err
	}
	response, ok := next.(*pgproto3.SASLResponse)
	if !ok {
		return ProtocolError("expected SASL response")
	}
	reply, ok, err = x.final(response.Data)
	if err != nil {
		return err
	}
	if !ok || !known {
		return pgerr.Newf(pgerr.InvalidPassword, `password authentication failed for user "%s"`, st.User)
	}
	c.send(&pgproto3.AuthenticationSASLFinal{Data: []byte(reply)})
	return nil
}

func (c *Conn) receiveSASL(auth uint32) (pgproto3.FrontendMessage, error) {
	if err := c.be.SetAuthType(auth); err != nil {
		return nil, err
	}
	if err := c.Flush(); err != nil {
		return nil, err
	}
	return c.decode()
}
