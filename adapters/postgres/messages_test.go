package postgres

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
	"pgregory.net/rapid"
)

var errInterrupted = errors.New("interrupted")

// stutter gives its bytes in pieces, and is interrupted now and then.
type stutter struct {
	t *rapid.T
	b []byte
}

func (s *stutter) Read(p []byte) (int, error) {
	if len(s.b) == 0 {
		return 0, io.EOF
	}
	if rapid.IntRange(0, 4).Draw(s.t, "interrupt") == 0 {
		return 0, errInterrupted
	}
	n := copy(p, s.b[:rapid.IntRange(1, len(s.b)).Draw(s.t, "piece")])
	s.b = s.b[n:]
	return n, nil
}

// Every message comes once, whole and in order, whichever of them the driver reads, wherever the connection is cut into pieces
// and interrupted.
func TestMessages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var sent []string
		stream := &stutter{t: t}
		for i := range rapid.IntRange(1, 12).Draw(t, "messages") {
			kind := rapid.SampledFrom([]byte{'d', 'd', 'd', 'C'}).Draw(t, "kind")
			body := append(fmt.Appendf(nil, "%03d", i), bytes.Repeat([]byte{'x'}, rapid.SampledFrom([]int{0, 1, 30, 56, 57, 200}).Draw(t, "length"))...)
			if kind == 'C' {
				body = append(body, 0)
			}
			stream.b = append(binary.BigEndian.AppendUint32(append(stream.b, kind), uint32(4+len(body))), body...)
			sent = append(sent, string(kind)+string(bytes.TrimSuffix(body, []byte{0})))
		}
		in := newMessages(stream, 64) // a message of 64 bytes fits
		driver := pgproto3.NewFrontend(in, nil)
		var got []string
		for {
			if body, ok := in.take('d'); ok {
				got = append(got, "d"+string(body))
				continue
			}
			body, ok, err := in.takeLarge('d')
			if ok {
				got = append(got, "d"+string(body))
				continue
			}
			if errors.Is(err, errInterrupted) {
				continue
			}
			message, err := driver.Receive()
			if errors.Is(err, errInterrupted) {
				continue
			}
			if err != nil {
				break
			}
			if n := driver.ReadBufferLen(); n != 0 {
				t.Fatalf("the driver holds %d bytes beyond its message", n)
			}
			switch m := message.(type) {
			case *pgproto3.CopyData:
				got = append(got, "d"+string(m.Data))
			case *pgproto3.CommandComplete:
				got = append(got, "C"+string(m.CommandTag))
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(sent) {
			t.Fatalf("got  %q\nsent %q", got, sent)
		}
	})
}

// A body that ends before its fields do is an error, not a row of nulls.
func TestAppendFields(t *testing.T) {
	row := []byte("\x00\x03\x00\x00\x00\x02ab\xff\xff\xff\xff\x00\x00\x00\x00")
	fields, err := appendFields(nil, row)
	if err != nil || len(fields) != 3 || string(fields[0]) != "ab" || fields[1] != nil || fields[2] == nil || len(fields[2]) != 0 {
		t.Errorf("%q, %v", fields, err)
	}
	for n := range row {
		if _, err := appendFields(nil, row[:n]); err == nil {
			t.Errorf("%d bytes of %d are taken for a row", n, len(row))
		}
	}
}
