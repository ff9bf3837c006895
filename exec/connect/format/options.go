package format

import (
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/sql/pgerr"
)

// encoding is one word after ENCODE, as data.
type encoding struct {
	name    string
	doc     string
	options []connect.Option
	schemas bool // it needs a schema
	// decoder makes the decoder of a record's half into columns.
	decoder func(s side, fields []field) (rowDecoder, error)
}

// encodings is a function's result so that it may name functions that read it.
var encodings = []encoding{
	{name: "JSON", doc: "one JSON object a record", options: []connect.Option{
		{Name: optUnit, Aliases: []string{"timestamptz.handling.mode"}, Default: "auto", Values: []string{"auto", "s", "ms", "us", "ns", "guess_number_unit", "milli", "micro"},
			Doc: "the unit of timestamps that are numbers since 1970; auto takes it from the magnitude"},
		{Name: optBytea, Values: []string{"text", "base64", "hex"},
			Doc: "how bytea is written in strings: as PostgreSQL does (the default), or in base64 (FORMAT DEBEZIUM's default) or hex digits"},
		{Name: optJSON, Values: []string{"value", "text"},
			Doc: "whether a string for a json or jsonb column is a JSON value (the default) or the text of one (FORMAT DEBEZIUM's default)"},
	}, decoder: newJSONRows},
	{name: "AVRO", doc: "Apache Avro, with a schema registry or a schema given here",
		options: slices.Concat(schemaOptions, registryOptions), schemas: true, decoder: newAvro},
	{name: "PROTOBUF", doc: "Protocol Buffers, with a schema registry or a schema given here",
		options: slices.Concat(schemaOptions, registryOptions, []connect.Option{{Name: optMessage, Doc: "the full name of the message"}}), schemas: true, decoder: newProto},
	{name: "CSV", doc: "comma-separated values", options: []connect.Option{
		{Name: optDelimiter, Default: ",", Doc: "one ASCII character between values, or 'tab'"},
		{Name: optQuote, Default: `"`, Doc: "the character around values that hold special ones"},
		{Name: optEscape, Doc: "the character in front of a quote inside quotes; by default the quote itself"},
		{Name: optHeader, Default: "false", Values: []string{"true", "false"}, Doc: "whether the first line of each record names the columns"},
		{Name: "without_header", Values: []string{"true", "false"}, Doc: "the opposite of header"},
		{Name: optNull, Doc: "how a null is written; by default as nothing, without quotes"},
	}, decoder: newCSV},
	{name: "TEXT", doc: "the whole value as one column, read as the column's type is written", decoder: newText},
	{name: "BYTES", doc: "the whole value as one bytea column", decoder: newBytes},
}

// The names of options.
const (
	optUnit             = "timestamp.unit"
	optBytea            = "bytea"
	optJSON             = "json"
	optDelimiter        = "delimiter"
	optQuote            = "quote"
	optEscape           = "escape"
	optHeader           = "header"
	optNull             = "null"
	optSchema           = "schema"
	optLocation         = "schema.location"
	optFraming          = "schema.framing"
	optMessage          = "message"
	optRegistry         = "schema.registry"
	registryAlias       = "schema.registry.url"
	optRegistryUser     = "schema.registry.username"
	optRegistryPassword = "schema.registry.password"
	optRegistryCA       = "schema.registry.ssl.ca.location"
	optRegistryCert     = "schema.registry.ssl.certificate.location"
	optRegistryKey      = "schema.registry.ssl.key.location"
	optRegistryIdentify = "schema.registry.ssl.endpoint.identification.algorithm"
	optSubject          = "schema.registry.subject"
	optStrategy         = "schema.registry.name.strategy"
)

var schemaOptions = []connect.Option{
	{Name: optSchema, Doc: "the schema itself"},
	{Name: optLocation, Aliases: []string{"schema.file"}, Doc: "a file of the server with the schema"},
	{Name: optFraming, Values: []string{"none", "confluent"},
		Doc: "what stands before each record: nothing, or the registry's header, which is skipped; for schemas that are given here"},
}

var registryOptions = []connect.Option{
	{Name: optRegistry, Aliases: []string{registryAlias}, Doc: "the URL of a Confluent-compatible schema registry; several are divided by commas"},
	{Name: optRegistryUser, Doc: "the user at the registry"},
	{Name: optRegistryPassword, Secret: true, Doc: "the user's password"},
	{Name: optRegistryCA, Aliases: []string{"schema.registry.ssl.ca.pem"},
		Doc: "certificates of the authorities that the registry is trusted by: a PEM file on the server, or PEM text; without it, the system's"},
	{Name: optRegistryCert, Aliases: []string{"schema.registry.ssl.certificate.pem"}, Doc: "the certificate to show to the registry: a PEM file, or PEM text"},
	{Name: optRegistryKey, Aliases: []string{"schema.registry.ssl.key.pem"}, Secret: true, Doc: "the certificate's private key: a PEM file, or PEM text"},
	{Name: optRegistryIdentify, Values: []string{"https", "none"}, Doc: "'none' accepts a registry whose certificate is of another host"},
	{Name: optSubject, Doc: "the subject whose newest schema is the topic's, instead of the strategy's"},
	{Name: optStrategy, Default: "topic_name_strategy", Values: []string{"topic_name_strategy", "record_name_strategy", "topic_record_name_strategy"},
		Doc: "how producers name subjects"},
}

// registryTLS are those of registryOptions that are about TLS.
var registryTLS = connect.TLSOptions{CA: optRegistryCA, Cert: optRegistryCert, Key: optRegistryKey, Identify: optRegistryIdentify}

// names of options.
func names(options []connect.Option) []string {
	var out []string
	for _, o := range options {
		out = append(out, o.Name)
	}
	return out
}

func encodingNames() []string {
	var names []string
	for _, e := range encodings {
		names = append(names, e.name)
	}
	return names
}

func (e *encoding) option(name string) *connect.Option {
	i := slices.IndexFunc(e.options, func(o connect.Option) bool { return o.Name == name || slices.Contains(o.Aliases, name) })
	if i < 0 {
		return nil
	}
	return &e.options[i]
}

// checkOptions refuses what the encoding does not know, and returns the options under their full names with
// the defaults filled in.
func (e *encoding) checkOptions(given map[string]string) (map[string]string, error) {
	out := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		o := e.option(name)
		if o == nil {
			return nil, pgerr.Newf(pgerr.InvalidParameterValue, "unrecognized parameter \"%s\"", name).WithHint("%s", e.optionHint())
		}
		if _, twice := out[o.Name]; twice {
			return nil, pgerr.New(pgerr.SyntaxError, "conflicting or redundant options").
				WithDetail("\"%s\" is another name of \"%s\".", name, o.Name)
		}
		value := given[name]
		if o.Values != nil {
			value = strings.ToLower(value)
			if !slices.Contains(o.Values, value) {
				return nil, pgerr.Newf(pgerr.InvalidParameterValue, "invalid value for parameter \"%s\": \"%s\"", name, given[name]).
					WithHint("Available values: %s.", strings.Join(o.Values, ", "))
			}
		}
		out[o.Name] = value
	}
	for _, o := range e.options {
		if _, ok := out[o.Name]; !ok && o.Default != "" {
			out[o.Name] = o.Default
		}
	}
	return out, nil
}

func (e *encoding) optionHint() string {
	if len(e.options) == 0 {
		return "ENCODE " + e.name + " has no parameters."
	}
	var names []string
	for _, o := range e.options {
		names = append(names, o.Name)
	}
	return "Parameters of ENCODE " + e.name + ": " + strings.Join(names, ", ") + "."
}

// checkSchemaSource sees to it that a schema comes from exactly one place.
func (s side) checkSchemaSource() error {
	if !s.schemas {
		return nil
	}
	var from []string
	for _, name := range []string{optRegistry, optSchema, optLocation} {
		if s.options[name] != "" {
			from = append(from, name)
		}
	}
	const hint = "Give one of schema.registry, schema and schema.location."
	switch {
	case len(from) == 0:
		return pgerr.Newf(pgerr.InvalidParameterValue, "ENCODE %s needs a schema", s.name).WithHint(hint)
	case len(from) > 1:
		return pgerr.New(pgerr.SyntaxError, "conflicting or redundant options").
			WithDetail("The parameters \"%s\" and \"%s\" exclude each other.", from[0], from[1]).WithHint(hint)
	case from[0] == optRegistry && s.options[optFraming] != "":
		return pgerr.Newf(pgerr.InvalidParameterValue, "parameter \"%s\" goes with a schema that is given here", optFraming)
	}
	return nil
}

// maxSchemaFile bounds what schema.location may point to.
const maxSchemaFile = 16 << 20

// given returns the schema of the options themselves.
func (s side) given() (string, error) {
	if text := s.options[optSchema]; text != "" {
		return text, nil
	}
	path := strings.TrimPrefix(s.options[optLocation], "file://")
	info, err := os.Stat(path)
	if err == nil && info.Size() > maxSchemaFile {
		return "", pgerr.Newf(pgerr.ProgramLimitExceeded, "schema file \"%s\" is larger than 16 MB", path)
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return "", pgerr.Newf(pgerr.UndefinedFile, "could not read schema file: %v", err)
	}
	return string(text), nil
}
