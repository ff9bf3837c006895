package funcs

import (
	"errors"
	"math"

	"github.com/millracedb/millrace/sql/pgerr"

	"github.com/millracedb/millrace/sql/types"
)

// compareBytes orders two values of a Bytes-class type.
func compareBytes(t types.Type, a, b []byte) int { return types.CompareBytes(t, a, b) }

func f64bits(f float64) uint64     { return math.Float64bits(f) }
func f64frombits(b uint64) float64 { return math.Float64frombits(b) }

// asPgerr finds the PostgreSQL error in err.
func asPgerr(err error, e **pgerr.Error) bool { return errors.As(err, e) }
