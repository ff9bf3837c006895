package schema

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/millracedb/millrace/sql/pgerr"
)

func TestHeader(t *testing.T) {
	record := append(AppendIndexes(AppendHeader(nil, 7), []int{1, 3}), 'x')
	id, data, err := ReadHeader(record)
	if err != nil || id != 7 {
		t.Fatalf("id %d, %v", id, err)
	}
	path, data, err := ReadIndexes(data, nil)
	if err != nil || !slices.Equal(path, []int{1, 3}) || string(data) != "x" {
		t.Errorf("path %v, data %q, %v", path, data, err)
	}
	if path, _, err = ReadIndexes(AppendIndexes(nil, []int{0}), path); err != nil || !slices.Equal(path, []int{0}) {
		t.Errorf("path %v, %v", path, err)
	}
	for _, bad := range []string{"", "\x00\x00", "\x01\x00\x00\x00\x07"} {
		if _, _, err := ReadHeader([]byte(bad)); !pgerr.Is(err, pgerr.InvalidBinaryRepr) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, bad := range []string{"", "\x01", "\x04\x02", "\xff"} {
		if _, _, err := ReadIndexes([]byte(bad), nil); !pgerr.Is(err, pgerr.InvalidBinaryRepr) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// What the registry's answers become.
func TestClientErrors(t *testing.T) {
	status, answer := 0, `{"error_code":1,"message":"no"}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, answer)
	}))
	defer server.Close()
	cl, err := Open(Config{URLs: server.URL, User: "u", Password: "p"})
	if err != nil {
		t.Fatal(err)
	}
	for code, want := range map[int]string{404: pgerr.UndefinedObject, 401: pgerr.InvalidAuthorizationSpec, 500: pgerr.ConnectionFailure, 422: pgerr.InvalidParameterValue} {
		status = code
		if _, err := cl.ByID(context.Background(), 1); !pgerr.Is(err, want) {
			t.Errorf("%d: got %v (%s), want %s", code, err, pgerr.Of(err).Code, want)
		}
	}
	status = 409
	if _, err := cl.Register(context.Background(), "s", Schema{Type: Avro, Text: "{}"}); !pgerr.Is(err, pgerr.DatatypeMismatch) {
		t.Errorf("got %v", err)
	}
	answer = "<html>"
	for _, status = range []int{404, 400, 502} {
		if _, err := cl.Latest(context.Background(), "s"); !pgerr.Is(err, pgerr.UnableToConnect) {
			t.Errorf("%d: got %v", status, err)
		}
	}
	server.Close()
	if _, err := cl.Latest(context.Background(), "s"); !pgerr.Is(err, pgerr.UnableToConnect) {
		t.Errorf("got %v", err)
	}
	if _, err := Open(Config{URLs: "nothing"}); !pgerr.Is(err, pgerr.InvalidParameterValue) {
		t.Errorf("got %v", err)
	}
}
