package pgwire

import (
	"testing"

	xdg "github.com/xdg-go/scram"
)

// rfc is the example of RFC 7677: its password, salt and iterations give these keys.
const rfcVerifier = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="

func TestVerifierIsThatOfTheRFC(t *testing.T) {
	v, ok := ParseVerifier(rfcVerifier)
	if !ok {
		t.Fatal("not a verifier")
	}
	if !v.Matches("pencil") || v.Matches("Pencil") {
		t.Error("the verifier of RFC 7677 does not tell its password from another")
	}
}

// TestExchange runs whole exchanges with a client that others wrote.
func TestExchange(t *testing.T) {
	for _, password := range []string{"pencil", "Iñtërnâtiônàl", "with , = and spaces", "x"} {
		text, err := NewVerifier(password)
		if err != nil {
			t.Fatal(err)
		}
		v, ok := ParseVerifier(text)
		if !ok {
			t.Fatalf("%q is not a verifier", text)
		}
		for _, given := range []string{password, password + "x"} {
			client, err := xdg.SHA256.NewClient("*", given, "")
			if err != nil {
				t.Fatal(err)
			}
			conv := client.NewConversation()
			first, _ := conv.Step("")
			server := &scram{v: v}
			reply, err := server.first([]byte(first), "ourNonce")
			if err != nil {
				t.Fatal(err)
			}
			final, err := conv.Step(reply)
			if err != nil {
				t.Fatal(err)
			}
			reply, ok, err := server.final([]byte(final))
			if err != nil {
				t.Fatal(err)
			}
			if ok != (given == password) {
				t.Errorf("password %q, given %q: let in: %v", password, given, ok)
			}
			if ok {
				if _, err := conv.Step(reply); err != nil || !conv.Valid() {
					t.Errorf("the client does not accept the server's signature: %v", err)
				}
			}
		}
	}
}

func TestMalformedExchange(t *testing.T) {
	for _, first := range []string{"", "n", "n,,", "n,,n=u", "x,,n=,r=abc", "p=tls-server-end-point,,n=,r=abc", "n,a=me,n=,r=abc", "n,,m=ext,n=,r=a"} {
		if _, err := (&scram{}).first([]byte(first), "ours"); err == nil {
			t.Errorf("first message %q is accepted", first)
		}
	}
	for _, final := range []string{"", "c=biws", "c=biws,r=theirsours,p=", "c=biws,r=theirsours,p=AAAA", "c=eSws,r=theirsours,p=AAAA"} {
		s := &scram{v: mockVerifier("u", []byte("k"))}
		if _, err := s.first([]byte("n,,n=,r=theirs"), "ours"); err != nil {
			t.Fatal(err)
		}
		if _, ok, err := s.final([]byte(final)); err == nil || ok {
			t.Errorf("final message %q is accepted", final)
		}
	}
	for _, text := range []string{"", "md5abc", "SCRAM-SHA-256$", "SCRAM-SHA-256$0:AA==$AA==:AA==", "SCRAM-SHA-256$4096:AA==$AA==:AA=="} {
		if _, ok := ParseVerifier(text); ok {
			t.Errorf("%q is accepted as a verifier", text)
		}
	}
}
