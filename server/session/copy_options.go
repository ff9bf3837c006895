package session

import (
	"slices"
	"strings"

	"github.com/millracedb/millrace/server/pgwire"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// copyOptions settles the options of COPY, with PostgreSQL's rules.
func copyOptions(n *ast.Copy, columns []string) (pgwire.CopyOptions, error) {
	o := pgwire.CopyOptions{}
	given := map[string]*ast.Option{}
	for _, opt := range n.Options {
		if given[opt.Name] != nil {
			return o, pgerr.New(pgerr.SyntaxError, "conflicting or redundant options").At(opt.Pos())
		}
		given[opt.Name] = opt
	}
	if f := given["format"]; f != nil {
		text, _ := f.Text()
		switch text {
		case "text":
		case "csv":
			o.Format = pgwire.CopyCSV
		case "binary":
			o.Format = pgwire.CopyBinary
		default:
			return o, pgerr.Newf(pgerr.InvalidParameterValue, `COPY format "%s" not recognized`, text).At(f.Pos())
		}
	}
	o.Delim, o.Null, o.Quote = '\t', `\N`, '"'
	if o.Format == pgwire.CopyCSV {
		o.Delim, o.Null = ',', ""
	}
	for _, opt := range n.Options {
		if err := copyOption(&o, n, opt, columns); err != nil {
			return o, err
		}
	}
	if o.Escape == 0 {
		o.Escape = o.Quote
	}
	return o, checkCopy(&o, n.From, given)
}

func copyOption(o *pgwire.CopyOptions, n *ast.Copy, opt *ast.Option, columns []string) error {
	text, hasText := opt.Text()
	switch opt.Name {
	case "format":
	case "freeze", "oids":
	case "encoding":
		if v, err := gucs[mustGuc("client_encoding")].check(text); err != nil || v != "UTF8" {
			return pgerr.New(pgerr.InvalidParameterValue, `argument to option "encoding" must be a valid encoding name`).At(opt.Pos())
		}
	case "delimiter":
		return oneByte(&o.Delim, "delimiter", text)
	case "null":
		o.Null = text
		if strings.ContainsAny(text, "\r\n") {
			return pgerr.New(pgerr.InvalidParameterValue, "COPY null representation cannot use newline or carriage return")
		}
	case "quote":
		return oneByte(&o.Quote, "quote", text)
	case "escape":
		return oneByte(&o.Escape, "escape", text)
	case "header":
		switch {
		case opt.Value == nil:
			o.Header = true
		case strings.EqualFold(text, "match"):
			if !n.From {
				return pgerr.New(pgerr.FeatureNotSupported, `cannot use "match" with HEADER in COPY TO`)
			}
			o.Header, o.HeaderMatch = true, true
		default:
			b, err := types.ParseBool(text)
			if err != nil || !hasText {
				return pgerr.New(pgerr.SyntaxError, `header requires a Boolean value or "match"`)
			}
			o.Header = b != 0
		}
	case "force_quote":
		return columnSet(&o.ForceQuote, n, opt, columns)
	case "force_null":
		return columnSet(&o.ForceNull, n, opt, columns)
	case "force_not_null":
		return columnSet(&o.ForceNotNil, n, opt, columns)
	default:
		return pgerr.Newf(pgerr.SyntaxError, `option "%s" not recognized`, opt.Name).At(opt.Pos())
	}
	return nil
}

func oneByte(dst *byte, name, text string) error {
	if len(text) != 1 {
		return pgerr.Newf(pgerr.FeatureNotSupported, "COPY %s must be a single one-byte character", name)
	}
	*dst = text[0]
	return nil
}

// columnSet reads a list of columns, or * for FORCE_QUOTE.
func columnSet(dst *[]bool, n *ast.Copy, opt *ast.Option, columns []string) error {
	set := make([]bool, len(columns))
	add := func(e ast.Expr) error {
		ref, ok := e.(*ast.ColumnRef)
		if !ok || len(ref.Parts) > 1 {
			return pgerr.Newf(pgerr.InvalidParameterValue, `argument to option "%s" must be a list of column names`, opt.Name).At(opt.Pos())
		}
		if ref.Star {
			if opt.Name != "force_quote" {
				return pgerr.Newf(pgerr.InvalidParameterValue, `argument to option "%s" must be a list of column names`, opt.Name).At(opt.Pos())
			}
			for i := range set {
				set[i] = true
			}
			return nil
		}
		i := slices.Index(columns, ref.Parts[0])
		switch {
		case i >= 0:
		case n.Query != nil:
			return pgerr.Newf(pgerr.UndefinedColumn, `column "%s" does not exist`, ref.Parts[0])
		case n.Columns == nil:
			return pgerr.Newf(pgerr.UndefinedColumn, `column "%s" of relation "%s" does not exist`, ref.Parts[0], n.Table.Name)
		default:
			return pgerr.Newf(pgerr.InvalidColumnReference, `%s column "%s" not referenced by COPY`, strings.ToUpper(opt.Name), ref.Parts[0])
		}
		set[i] = true
		return nil
	}
	switch v := opt.Value.(type) {
	case *ast.Row:
		for _, e := range v.Args {
			if err := add(e); err != nil {
				return err
			}
		}
	default:
		if err := add(v); err != nil {
			return err
		}
	}
	*dst = set
	return nil
}

func checkCopy(o *pgwire.CopyOptions, from bool, given map[string]*ast.Option) error {
	if o.Format == pgwire.CopyBinary {
		for _, name := range []string{"delimiter", "null", "header"} {
			if given[name] != nil && (name != "header" || o.Header) {
				return pgerr.Newf(pgerr.SyntaxError, "cannot specify %s in BINARY mode", strings.ToUpper(name))
			}
		}
	}
	if o.Format != pgwire.CopyCSV {
		for _, name := range []string{"quote", "escape", "force_quote", "force_null", "force_not_null"} {
			if given[name] != nil {
				return pgerr.Newf(pgerr.FeatureNotSupported, "COPY %s available only in CSV mode", strings.ReplaceAll(name, "_", " "))
			}
		}
	}
	for _, name := range []string{"force_quote", "force_null", "force_not_null"} {
		direction := "COPY FROM"
		if name == "force_quote" {
			direction = "COPY TO"
		}
		if given[name] != nil && from != (direction == "COPY FROM") {
			return pgerr.Newf(pgerr.FeatureNotSupported, "COPY %s only available using %s", strings.ReplaceAll(name, "_", " "), direction)
		}
	}
	switch {
	case o.Delim == '\r' || o.Delim == '\n':
		return pgerr.New(pgerr.InvalidParameterValue, "COPY delimiter cannot be newline or carriage return")
	case o.Format == pgwire.CopyText && strings.IndexByte(`\.abcdefghijklmnopqrstuvwxyz0123456789`, o.Delim) >= 0:
		return pgerr.Newf(pgerr.InvalidParameterValue, `COPY delimiter cannot be "%c"`, o.Delim)
	case o.Format == pgwire.CopyCSV && o.Delim == o.Quote:
		return pgerr.New(pgerr.InvalidParameterValue, "COPY delimiter and quote must be different")
	case o.Format != pgwire.CopyBinary && strings.IndexByte(o.Null, o.Delim) >= 0:
		return pgerr.New(pgerr.InvalidParameterValue, "COPY delimiter must not appear in the NULL specification")
	case o.Format == pgwire.CopyCSV && strings.IndexByte(o.Null, o.Quote) >= 0:
		return pgerr.New(pgerr.InvalidParameterValue, "CSV quote character must not appear in the NULL specification")
	}
	return nil
}
