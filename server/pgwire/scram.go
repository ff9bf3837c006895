package pgwire

import (
	"bytes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/xdg-go/stringprep"
)

const (
	scramMechanism  = "SCRAM-SHA-256"
	scramIterations = 4096
	scramSaltLen    = 16
	scramNonceLen   = 18
)

// Verifier is a stored SCRAM-SHA-256 secret. Its text is PostgreSQL's rolpassword:
//
//	SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>
type Verifier struct {
	Iterations int
	Salt       []byte
	StoredKey  []byte
	ServerKey  []byte
}

// NewVerifier returns the text of a verifier for a password, with a fresh salt.
func NewVerifier(password string) (string, error) {
	salt := make([]byte, scramSaltLen)
	if _, err := rand.Read(salt); err != nil {
		return "", err
	}
	return makeVerifier(password, salt, scramIterations)
}

func makeVerifier(password string, salt []byte, iterations int) (string, error) {
	// As in PostgreSQL, a password that SASLprep forbids is used as it is.
	if p, err := stringprep.SASLprep.Prepare(password); err == nil {
		password = p
	}
	salted, err := pbkdf2.Key(sha256.New, password, salt, iterations, sha256.Size)
	if err != nil {
		return "", err
	}
	stored := sha256.Sum256(sign(salted, []byte("Client Key")))
	server := sign(salted, []byte("Server Key"))
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("%s$%d:%s$%s:%s", scramMechanism, iterations, b64(salt), b64(stored[:]), b64(server)), nil
}

// ParseVerifier reads the text of a verifier.
func ParseVerifier(s string) (Verifier, bool) {
	var v Verifier
	rest, ok := strings.CutPrefix(s, scramMechanism+"$")
	if !ok {
		return v, false
	}
	head, keys, ok1 := strings.Cut(rest, "$")
	iter, salt, ok2 := strings.Cut(head, ":")
	stored, server, ok3 := strings.Cut(keys, ":")
	if !ok1 || !ok2 || !ok3 {
		return v, false
	}
	var err [4]error
	v.Iterations, err[0] = strconv.Atoi(iter)
	v.Salt, err[1] = base64.StdEncoding.DecodeString(salt)
	v.StoredKey, err[2] = base64.StdEncoding.DecodeString(stored)
	v.ServerKey, err[3] = base64.StdEncoding.DecodeString(server)
	for _, e := range err {
		if e != nil {
			return v, false
		}
	}
	return v, v.Iterations > 0 && len(v.StoredKey) == sha256.Size && len(v.ServerKey) == sha256.Size
}

// mockVerifier is for users that do not exist or have no password: the exchange looks the same and always fails.
// The salt depends on the user only, so that asking twice tells nothing.
func mockVerifier(user string, secret []byte) Verifier {
	return Verifier{
		Iterations: scramIterations,
		Salt:       sign(secret, []byte(user))[:scramSaltLen],
		StoredKey:  make([]byte, sha256.Size),
		ServerKey:  make([]byte, sha256.Size),
	}
}

// scram is the server's side of one exchange.
//
//	client: n,,n=,r=<nonce>                 -> first
//	server: r=<nonce+ours>,s=<salt>,i=<n>
//	client: c=biws,r=<nonce+ours>,p=<proof> -> final
//	server: v=<signature>
type scram struct {
	v           Verifier
	gs2         string
	firstBare   string
	serverFirst string
	nonce       string
}

func (s *scram) first(msg []byte, ours string) (string, error) {
	m := string(msg)
	// gs2-header: channel binding flag, authorisation identity, both ended by commas.
	parts := strings.SplitN(m, ",", 3)
	if len(parts) != 3 {
		return "", ProtocolError("malformed SCRAM message")
	}
	switch {
	case parts[0] == "n", parts[0] == "y":
	case strings.HasPrefix(parts[0], "p="):
		return "", ProtocolError("client requires SCRAM channel binding, but it is not supported")
	default:
		return "", ProtocolError("malformed SCRAM message").WithDetail(`Unexpected channel-binding flag "%s".`, parts[0])
	}
	if parts[1] != "" {
		return "", ProtocolError("client uses authorization identity, but it is not supported")
	}
	s.gs2, s.firstBare = parts[0]+",,", parts[2]
	for _, f := range strings.Split(s.firstBare, ",") {
		if n, ok := strings.CutPrefix(f, "r="); ok {
			s.nonce = n + ours
		}
		if strings.HasPrefix(f, "m=") {
			return "", ProtocolError("client requires an unsupported SCRAM extension")
		}
	}
	if len(s.nonce) <= len(ours) {
		return "", ProtocolError("malformed SCRAM message")
	}
	s.serverFirst = fmt.Sprintf("r=%s,s=%s,i=%d", s.nonce, base64.StdEncoding.EncodeToString(s.v.Salt), s.v.Iterations)
	return s.serverFirst, nil
}

// final checks the proof. ok false is a wrong password.
func (s *scram) final(msg []byte) (reply string, ok bool, err error) {
	i := bytes.LastIndex(msg, []byte(",p="))
	if i < 0 {
		return "", false, ProtocolError("malformed SCRAM message")
	}
	bare := string(msg[:i])
	proof, derr := base64.StdEncoding.DecodeString(string(msg[i+3:]))
	want := "c=" + base64.StdEncoding.EncodeToString([]byte(s.gs2)) + ",r=" + s.nonce
	if derr != nil || len(proof) != sha256.Size || bare != want {
		return "", false, ProtocolError("malformed SCRAM message")
	}
	auth := []byte(s.firstBare + "," + s.serverFirst + "," + bare)
	key := sign(s.v.StoredKey, auth)
	for j := range key {
		key[j] ^= proof[j]
	}
	stored := sha256.Sum256(key)
	if subtle.ConstantTimeCompare(stored[:], s.v.StoredKey) != 1 {
		return "", false, nil
	}
	return "v=" + base64.StdEncoding.EncodeToString(sign(s.v.ServerKey, auth)), true, nil
}

func sign(key, msg []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(msg)
	return h.Sum(nil)
}

func newNonce() (string, error) {
	b := make([]byte, scramNonceLen)
	if _, err := rand.Read(b); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(b), nil
}

// Matches reports whether the verifier was made from the password.
func (v Verifier) Matches(password string) bool {
	text, err := makeVerifier(password, v.Salt, v.Iterations)
	if err != nil {
		return false
	}
	w, ok := ParseVerifier(text)
	return ok && subtle.ConstantTimeCompare(w.StoredKey, v.StoredKey) == 1
}
