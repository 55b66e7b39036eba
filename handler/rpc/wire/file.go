package wire

import (
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// fileFields is the message File. Its field content is only ever given, see files.go.
const (
	fileID = iota + 1
	fileName
	fileType
	fileSize
	fileWidth
	fileHeight
	fileContent
)

// stored is what a file field keeps, cut out of its JSON: texts with their quotes, by number.
type stored struct {
	texts   [fileType + 1][]byte
	numbers [fileHeight + 1]int64
}

// cutFile reads the members of a file's JSON, which [roundtrip.File] has made. What it does not know it leaves out.
func cutFile(json []byte) (f stored) {
	at := skipSpace(json, 0)
	if at >= len(json) || json[at] != '{' {
		return f
	}
	for at++; ; at++ {
		at = skipSpace(json, at)
		end := stringEnd(json, at)
		if end < 0 {
			return f
		}
		name := json[at+1 : end-1]
		from := skipSpace(json, skipSpace(json, end)+1) // behind the colon
		at = skipValue(json, from)
		if from >= at {
			return f
		}
		f.take(fileNumber(name), json[from:at])
		if at = skipSpace(json, at); at >= len(json) || json[at] != ',' {
			return f
		}
	}
}

func fileNumber(name []byte) int {
	switch string(name) {
	case "id":
		return fileID
	case "name":
		return fileName
	case "type":
		return fileType
	case "size":
		return fileSize
	case "width":
		return fileWidth
	case "height":
		return fileHeight
	}
	return 0
}

func (f *stored) take(number int, v []byte) {
	switch {
	case number >= fileSize:
		f.numbers[number], _ = strconv.ParseInt(string(v), 10, 64)
	case number > 0 && len(v) > 2 && v[0] == '"':
		f.texts[number] = v
	}
}

// appendFile appends the content of a File from the JSON that is kept of it.
func appendFile(b, json []byte) []byte {
	f := cutFile(json)
	for i := fileID; i <= fileType; i++ {
		if v := f.texts[i]; v != nil {
			var start int
			b, start = open(append(b, byte(i<<3|int(protowire.BytesType))))
			b = shut(appendUnquoted(b, v[1:len(v)-1]), start)
		}
	}
	for i := fileSize; i <= fileHeight; i++ {
		if v := f.numbers[i]; v != 0 {
			b = protowire.AppendVarint(append(b, byte(i<<3)), uint64(v))
		}
	}
	return b
}

// appendFileJSON appends a File as ProtoJSON: its size is a string.
func appendFileJSON(b, json []byte) []byte {
	f := cutFile(json)
	b = append(b, '{')
	comma := false
	add := func(key string) {
		if comma {
			b = append(b, ',')
		}
		b = append(b, key...)
		comma = true
	}
	for i, key := range [...]string{fileID: `"id":`, fileName: `"name":`, fileType: `"type":`} {
		if i > 0 && f.texts[i] != nil {
			add(key)
			b = append(b, f.texts[i]...)
		}
	}
	add(`"size":`)
	b = appendQuoted(b, f.numbers[fileSize])
	if f.numbers[fileWidth] != 0 {
		add(`"width":`)
		b = strconv.AppendInt(b, f.numbers[fileWidth], 10)
	}
	if f.numbers[fileHeight] != 0 {
		add(`"height":`)
		b = strconv.AppendInt(b, f.numbers[fileHeight], 10)
	}
	return append(b, '}')
}
