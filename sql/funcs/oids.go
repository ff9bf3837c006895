package funcs

import (
	"strconv"
	"strings"
	"sync"

	"github.com/millracedb/millrace/sql/types"
)

// privateOID is the first oid given to rows that PostgreSQL does not have. They are numbered by a hash of their
// signature, so that they do not depend on the order of the table.
const (
	privateOID     = 11000
	privateOIDSpan = 1200
)

// oidOf returns PostgreSQL's oid of a function, aggregate or operator, or a private one.
func oidOf(kind FuncKind, name string, args []types.OID) types.OID {
	sig := signatureKey(kind, name, args)
	if oid, ok := postgresOIDs()[sig]; ok {
		return oid
	}
	var h uint32 = 2166136261
	for i := range len(sig) {
		h = (h ^ uint32(sig[i])) * 16777619
	}
	return types.OID(privateOID + h%privateOIDSpan)
}

func signatureKey(kind FuncKind, name string, args []types.OID) string {
	var b strings.Builder
	if kind == 'a' {
		kind = Function
	}
	b.WriteByte(byte(kind))
	b.WriteByte(' ')
	b.WriteString(name)
	for _, a := range args {
		b.WriteByte(' ')
		b.WriteString(a.TypName())
	}
	return b.String()
}

// postgresOIDs is oidText by signature.
var postgresOIDs = sync.OnceValue(func() map[string]types.OID {
	m := map[string]types.OID{}
	for _, line := range strings.Split(strings.TrimSpace(oidText), "\n") {
		i := strings.LastIndexByte(line, ' ')
		if i < 0 {
			continue
		}
		n, err := strconv.ParseUint(line[i+1:], 10, 32)
		if err != nil {
			panic("funcs: bad line in oidText: " + line)
		}
		m[line[:i]] = types.OID(n)
	}
	return m
})
