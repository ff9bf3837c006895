package format

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/bufbuild/protocompile"
	"github.com/millracedb/millrace/exec/connect/schema"
	"github.com/millracedb/millrace/sql/pgerr"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// compileLimit bounds the time for a .proto source.
const compileLimit = 10 * time.Second

// schemaFile is the name under which a schema's own source is compiled.
const schemaFile = "schema.proto"

// parseProto reads a schema: .proto source, with the sources it imports, or a compiled FileDescriptorSet (protoc
// --include_imports -o). The files returned are those that may hold the message; the first one is the schema's own.
func parseProto(s schema.Schema) ([]protoreflect.FileDescriptor, error) {
	if files, ok := descriptorSet([]byte(s.Text)); ok {
		return files, nil
	}
	sources := map[string]string{schemaFile: s.Text}
	for _, r := range s.References {
		sources[r.Name] = r.Text
	}
	c := protocompile.Compiler{Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{
		Accessor: protocompile.SourceAccessorFromMap(sources)})}
	ctx, cancel := context.WithTimeout(context.Background(), compileLimit)
	defer cancel()
	files, err := c.Compile(ctx, schemaFile)
	if err != nil {
		return nil, badSchema("PROTOBUF", err)
	}
	out := []protoreflect.FileDescriptor{files[0]}
	for i := range files[0].Imports().Len() {
		out = append(out, files[0].Imports().Get(i).FileDescriptor)
	}
	return out, nil
}

// descriptorSet reads a compiled schema. The file that no other imports is its own.
func descriptorSet(data []byte) ([]protoreflect.FileDescriptor, bool) {
	var set descriptorpb.FileDescriptorSet
	if proto.Unmarshal(data, &set) != nil || len(set.File) == 0 || len(set.ProtoReflect().GetUnknown()) > 0 {
		return nil, false
	}
	files, err := protodesc.NewFiles(&set)
	if err != nil {
		return nil, false
	}
	var out []protoreflect.FileDescriptor
	files.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		if f.Path() == set.File[len(set.File)-1].GetName() { // protoc writes imports first
			out = append([]protoreflect.FileDescriptor{f}, out...)
		} else {
			out = append(out, f)
		}
		return true
	})
	return out, true
}

// findMessage finds a message by its full name, or its name in the schema's own package; "" is the only one of the
// schema's own file.
func findMessage(files []protoreflect.FileDescriptor, name string) (protoreflect.MessageDescriptor, error) {
	own := files[0].Messages()
	if name == "" {
		if own.Len() == 1 {
			return own.Get(0), nil
		}
		return nil, pgerr.New(pgerr.InvalidParameterValue, "ENCODE PROTOBUF needs the parameter \"message\"").
			WithHint("Messages of the schema: %s.", messageNames(own))
	}
	for _, f := range files {
		for _, full := range []string{name, string(f.Package()) + "." + name} {
			if m := messageIn(f.Messages(), protoreflect.FullName(full)); m != nil {
				return m, nil
			}
		}
	}
	return nil, pgerr.Newf(pgerr.InvalidParameterValue, "schema has no message \"%s\"", name).
		WithHint("Messages of the schema: %s.", messageNames(own))
}

func messageIn(ms protoreflect.MessageDescriptors, name protoreflect.FullName) protoreflect.MessageDescriptor {
	for i := range ms.Len() {
		m := ms.Get(i)
		if m.FullName() == name {
			return m
		}
		if below := messageIn(m.Messages(), name); below != nil {
			return below
		}
	}
	return nil
}

func messageNames(ms protoreflect.MessageDescriptors) string {
	var names []string
	for i := range min(ms.Len(), 20) {
		names = append(names, string(ms.Get(i).FullName()))
	}
	return strings.Join(names, ", ")
}

// messageAt finds a message by the path in a record's header.
func messageAt(f protoreflect.FileDescriptor, path []int) (protoreflect.MessageDescriptor, error) {
	ms := f.Messages()
	var m protoreflect.MessageDescriptor
	for _, i := range path {
		if i >= ms.Len() {
			return nil, pgerr.Newf(pgerr.InvalidBinaryRepr, "schema has no message at %s, which the record names", fmt.Sprint(path))
		}
		m = ms.Get(i)
		ms = m.Messages()
	}
	return m, nil
}
