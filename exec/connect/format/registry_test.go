package format

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/millracedb/millrace/exec/connect/schema"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
)

// reference is how a schema names another one.
type reference struct {
	Name    string `json:"name"`
	Subject string `json:"subject"`
	Version int    `json:"version"`
}

// registered is a schema of a registry, as its protocol writes it.
type registered struct {
	Schema     string      `json:"schema"`
	Type       string      `json:"schemaType,omitempty"`
	References []reference `json:"references,omitempty"`
	Subject    string      `json:"subject,omitempty"`
	Version    int         `json:"version,omitempty"`
	ID         int         `json:"id,omitempty"`
}

// registryOf serves schemas by the paths of the protocol.
func registryOf(t *testing.T, schemas map[string]registered) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, ok := schemas[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			json.NewEncoder(w).Encode(map[string]any{"error_code": 40403, "message": "Schema not found"})
			return
		}
		json.NewEncoder(w).Encode(s)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func registrySpec(t *testing.T, encode, url, columns string) Spec {
	return Spec{Format: catalog.Format{Encode: encode, Options: map[string]string{optRegistry: url}}, Columns: columnsOf(t, columns), Topic: "t"}
}

// One decoder reads the messages of several schemas, and of several types of one schema, which imports others.
func TestProtobufRegistry(t *testing.T) {
	const imported = `syntax = "proto3"; package money; message Price { int64 units = 1; string currency = 2; }`
	const v1 = `syntax = "proto3"; import "shop/money.proto";
		message First { int32 id = 1; message Inner { int32 id = 3; } message Other { string note = 1; money.Price price = 2; } }
		message Second { sint64 id = 9; }`
	const v2 = `syntax = "proto3"; import "shop/money.proto"; message First { int64 id = 1; money.Price price = 7; }`
	refs := []reference{{"shop/money.proto", "money", 3}}
	url := registryOf(t, map[string]registered{
		"/schemas/ids/1":             {Schema: v1, Type: "PROTOBUF", References: refs},
		"/schemas/ids/2":             {Schema: v2, Type: "PROTOBUF", References: refs},
		"/subjects/money/versions/3": {Schema: imported, Type: "PROTOBUF", Subject: "money", Version: 3, ID: 9},
	})
	d, err := New(registrySpec(t, "PROTOBUF", url, "id int8, note text, units int8 = price.units, price jsonb"))
	if err != nil {
		t.Fatal(err)
	}
	// The same sources with the import in their place.
	data := func(source, message, text string) []byte {
		m := messageOf(t, `syntax = "proto3"; message Price { int64 units = 1; string currency = 2; }`+source, message)
		return protoData(t, m, text)
	}
	const plain1 = `message First { int32 id = 1; message Inner { int32 id = 3; } message Other { string note = 1; Price price = 2; } } message Second { sint64 id = 9; }`
	const plain2 = `message First { int64 id = 1; Price price = 7; }`
	b := newTestBatch(columnsOf(t, "id int8, note text, units int8, price jsonb"))
	for _, tc := range []struct {
		id   uint32
		path []int
		data []byte
		want string
	}{
		{1, []int{0}, data(plain1, "First", "id: 5"), "5|NULL|NULL|NULL"},
		{1, []int{0, 0}, data(plain1, "First.Inner", "id: 6"), "6|NULL|NULL|NULL"},
		{1, []int{0, 1}, data(plain1, "First.Other", `note: "n" price { units: 3 currency: "EUR" }`), `NULL|n|3|{"units": 3, "currency": "EUR"}`},
		{1, []int{1}, data(plain1, "Second", "id: -7"), "-7|NULL|NULL|NULL"},
		{2, []int{0}, data(plain2, "First", "id: 8 price { units: 4 }"), `8|NULL|4|{"units": 4, "currency": ""}`},
		{1, []int{0}, data(plain1, "First", ""), "0|NULL|NULL|NULL"},
		{1, []int{2}, nil, pgerr.InvalidBinaryRepr},
		{1, []int{0, 2}, nil, pgerr.InvalidBinaryRepr},
		{3, []int{0}, nil, pgerr.UndefinedObject},
	} {
		record := schema.AppendIndexes(schema.AppendHeader(nil, tc.id), tc.path)
		err := d.Decode(nil, append(record, tc.data...), b)
		got := ""
		if err != nil {
			got = pgerr.Of(err).Code
		} else {
			got = rowText(b, b.N-1)
		}
		if got != tc.want {
			t.Errorf("schema %d, message %v: got %s, %v, want %s", tc.id, tc.path, got, err, tc.want)
		}
	}
}

// A topic whose schema changes: fields come, go, move, are widened and renamed; types that another subject defines.
func TestAvroRegistry(t *testing.T) {
	const price = `{"type":"record","name":"Price","namespace":"money","fields":[{"name":"units","type":"int"}]}`
	const wide = `{"type":"record","name":"Price","namespace":"money","fields":[{"name":"currency","type":"string"},{"name":"units","type":["null","long"]}]}`
	const v1 = `{"type":"record","name":"r","fields":[{"name":"id","type":"int"},{"name":"note","type":"string"},{"name":"price","type":"money.Price"}]}`
	const v2 = `{"type":"record","name":"r","fields":[{"name":"extra","type":{"type":"map","values":"string"}},{"name":"price","type":["money.Price","null"]},{"name":"key","aliases":["id"],"type":"long"},
		{"name":"score","type":"float"}]}`
	const v3 = `{"type":"record","name":"r","fields":[{"name":"id","type":"boolean"}]}`
	url := registryOf(t, map[string]registered{
		"/schemas/ids/1":             {Schema: v1, References: []reference{{"money.Price", "price", 1}}},
		"/schemas/ids/2":             {Schema: v2, References: []reference{{"money.Price", "price", 2}}},
		"/schemas/ids/3":             {Schema: v3},
		"/subjects/price/versions/1": {Schema: price, Subject: "price", Version: 1, ID: 7},
		"/subjects/price/versions/2": {Schema: wide, Subject: "price", Version: 2, ID: 8},
	})
	d, err := New(registrySpec(t, "AVRO", url, "id int8, note text, score float8, units int8 = price.units"))
	if err != nil {
		t.Fatal(err)
	}
	inPlace := func(source, price string) string { return strings.Replace(source, `"money.Price"`, price, 1) }
	first := avroData(t, inPlace(v1, price), map[string]any{"id": 1, "note": "a", "price": map[string]any{"units": 5}})
	second := avroData(t, inPlace(v2, wide), map[string]any{"extra": map[string]any{"k": "v"}, "key": int64(1) << 40, "score": float32(0.5),
		"price": map[string]any{"money.Price": map[string]any{"currency": "EUR", "units": map[string]any{"long": int64(6)}}}})
	b := newTestBatch(columnsOf(t, "id int8, note text, score float8, units int8"))
	for _, tc := range []struct {
		id   uint32
		data []byte
		want string
	}{
		{1, first, "1|a|NULL|5"}, {2, second, "1099511627776|NULL|0.5|6"}, {1, first, "1|a|NULL|5"},
		{3, []byte{1}, pgerr.DatatypeMismatch}, {4, first, pgerr.UndefinedObject}, {2, second, "1099511627776|NULL|0.5|6"},
	} {
		err := d.Decode(nil, append(schema.AppendHeader(nil, tc.id), tc.data...), b)
		got := ""
		if err != nil {
			got = pgerr.Of(err).Code
		} else {
			got = rowText(b, b.N-1)
		}
		if got != tc.want {
			t.Errorf("schema %d: got %s, %v, want %s", tc.id, got, err, tc.want)
		}
	}
}
