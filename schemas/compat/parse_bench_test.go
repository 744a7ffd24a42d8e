package compat

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkParse reads a schema of ten properties, about 1 kB.
func BenchmarkParse(b *testing.B) {
	var s strings.Builder
	s.WriteString(`{"$schema":"http://json-schema.org/draft-07/schema#","title":"Hồ sơ","type":"object","additionalProperties":false,"properties":{`)
	for i := range 10 {
		if i > 0 {
			s.WriteByte(',')
		}
		fmt.Fprintf(&s, `"thuocTinh%d":{"type":"string","description":"Thuộc tính thứ %d","minLength":1,"maxLength":%d}`, i, i, 10+i)
	}
	s.WriteString("}}")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse([]byte(s.String()), nil); err != nil {
			b.Fatal(err)
		}
	}
}
