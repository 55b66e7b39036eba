package protobuf_test

import (
	"strings"
	"testing"
)

func TestBuild_SaysOfAFieldWhatItsTypeDoesNot(t *testing.T) {
	t.Parallel()
	for declared, want := range map[string]string{
		"type: text, max: 10000":                       "optional string x: Text, at most 10000 characters.",
		"type: text, min: 2, max: 80":                  "optional string x: Text, 2 to 80 characters.",
		"type: text, match: '[a-z]+', unique: true":    "optional string x: Text that matches [a-z]+, at most 10000 characters. Unique.",
		"type: text, required: true, immutable: true":  "string x: Text, at most 10000 characters. Set at creation only. Required.",
		"type: text, default: \"it's \\\"so\\\"\"":     `optional string x: Text, at most 10000 characters. By default "it's \"so\"".`,
		"type: email, required: true":                  "string x: An e-mail address, kept in lower case. Required.",
		"type: url":                                    "optional string x: An http or https URL.",
		"type: select, options: [good, 'so, so', bad]": `optional string x: One of: good, "so, so", bad.`,
		"type: int": "optional int64 x: ",
		"type: int, min: -5, max: 9223372036854775807": "optional int64 x: -5 to 9223372036854775807.",
		"type: int, min: 1, required: true":            "int64 x: At least 1. Required.",
		"type: float, max: 0.5, default: 0.25":         "optional double x: At most 0.5. By default 0.25.",
		"type: bool, default: false":                   "optional bool x: By default false.",
		"type: bool, required: true, default: true":    "optional bool x: By default true.",
		"type: time, default: now":                     "google.protobuf.Timestamp x: By default the time of the call.",
		"type: json":                                   "google.protobuf.Value x: Any JSON value of at most 64 KB.",
		"type: ref, to: users":                         "optional string x: The id of a record of users. That can't be deleted meanwhile.",
		"type: ref, to: users, on_delete: cascade":     "optional string x: The id of a record of users. When that is deleted, this is too.",
		"type: ref, to: users, on_delete: 'null'":      "optional string x: The id of a record of users. When that is deleted, this is null.",
		"type: ref, to: users, default: auth.id":       "optional string x: The id of a record of users. That can't be deleted meanwhile. By default the account of the caller.",
		"type: count, of: notes.of":                    "int64 x: How many records of notes have it as of. Kept by the server.",
		"type: file, accept: [image/png], max: 2MB":    "File x: A file of type image/png, at most 2 MB.",
		"type: file, accept: [image/png, image/jpeg, image/webp], max: 1500B, sizes: [64, 256], required: true": "File x: A file of type image/png, image/jpeg or image/webp, at most 1500 bytes. " +
			"An image may be asked for in the widths 64, 256. Required.",
	} {
		t.Run(declared, func(t *testing.T) {
			t.Parallel()
			s := parse(t, "x.yaml", []byte("name: x\nidentity: { accounts: users }\ncollections:\n"+
				"  users: { fields: { handle: { type: text, unique: true, required: true } } }\n"+
				"  notes: { fields: { of: { type: ref, to: notes }, x: { "+declared+" } } }\n"))
			source := string(build(t, s).Source)
			_, message, _ := strings.Cut(source, "message Note {")
			message, _, _ = strings.Cut(message, "x = 17;")
			lines := strings.Split(message, "\n")
			comment := ""
			for i := len(lines) - 2; strings.HasPrefix(lines[i], "  // "); i-- {
				comment = strings.TrimSuffix(lines[i][len("  // "):]+" "+comment, " ")
			}
			if got := strings.TrimSpace(lines[len(lines)-1]) + " x: " + comment; got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestBuild_SaysWhoMay(t *testing.T) {
	t.Parallel()
	s := parse(t, "x.yaml", []byte("name: x\ncollections:\n  notes:\n    fields: { a: { type: text } }\n"+
		"    rules:\n      read: 'true'\n      create: 'false'\n      update: |\n        record.a == \"x\" ||\n          record.a == null\n"))
	want := "// The records of notes.\n// May read: anybody\n// May create: nobody\n// May update: record.a == \"x\" || record.a == null\n// May delete: nobody\nservice Notes {\n"
	if source := string(build(t, s).Source); !strings.Contains(source, want) {
		t.Errorf("%s", source[:1200])
	}
}
