package postgres

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

const (
	// What is taken from the socket at once: of the log, where it bounds how many rows a batch finds without waiting, and of
	// any other session.
	logBuffer     = 256 << 10
	sessionBuffer = 64 << 10

	messageHeader = 1 + 4 // kind, and the length of what follows, itself included
)

// messages is what the driver reads a connection through. The driver never gets more than the rest of one message, so that between
// two messages it holds nothing, and those that come by the million, rows and pieces of the log, can be taken from here, where they
// lie, instead of through the driver: it copies each, takes a lock for it, and asks the socket for eight kilobytes at a time.
type messages struct {
	in   *bufio.Reader
	left int // bytes of the present message that the driver has not read
	held int // bytes that take has shown and that are still in the buffer
	// large says that the driver's last message did not fit into the buffer. The driver keeps the memory of one, tens of megabytes
	// perhaps, until it is asked for the next: that one is left to it, however small it is.
	large bool
	// body is what takeLarge has read of a message so far, up to its capacity.
	body []byte
}

var errUnderWay = errors.New("a large message is being read past the driver")

func newMessages(r io.Reader, size int) *messages {
	return &messages{in: bufio.NewReaderSize(r, size)}
}

// Read gives the driver what follows of the present message, or of the next one.
func (m *messages) Read(p []byte) (int, error) {
	m.release()
	if m.body != nil {
		return 0, errUnderWay
	}
	if m.left == 0 {
		header, err := m.in.Peek(messageHeader)
		if err != nil {
			return 0, err
		}
		m.left = 1 + max(messageHeader-1, int(binary.BigEndian.Uint32(header[1:])))
		m.large = m.left > m.in.Size()
	}
	n, err := m.in.Read(p[:min(len(p), m.left)])
	m.left -= n
	return n, err
}

// take waits for the next message and returns its body, which is valid until the next call, if it is of the given kind and fits into the
// buffer. When it returns false the driver must read: another kind of message, the rest of one that it has begun, or the error that is to be
// found there (a deadline that passed is found again). What had arrived of a message is kept.
func (m *messages) take(kind byte) ([]byte, bool) {
	m.release()
	if m.left > 0 || m.large || m.body != nil {
		return nil, false
	}
	header, err := m.in.Peek(messageHeader)
	if err != nil {
		return nil, false
	}
	whole := 1 + int(binary.BigEndian.Uint32(header[1:]))
	if header[0] != kind || whole < messageHeader || whole > m.in.Size() {
		return nil, false
	}
	message, err := m.in.Peek(whole)
	if err != nil {
		return nil, false
	}
	m.held = whole
	return message[messageHeader:], true
}

// takeLarge is take for a message that does not fit into the buffer: it is read into memory that is the caller's, instead of into the
// driver's and from there into the caller's. What was read before an error (a deadline that passed) is kept for the next call.
func (m *messages) takeLarge(kind byte) (body []byte, ok bool, err error) {
	m.release()
	if m.body == nil {
		if m.left > 0 || m.large {
			return nil, false, nil
		}
		header, err := m.in.Peek(messageHeader)
		if err != nil {
			return nil, false, nil //nolint:nilerr // the driver finds it, too
		}
		size := int(int32(binary.BigEndian.Uint32(header[1:]))) - (messageHeader - 1)
		if header[0] != kind || messageHeader+size <= m.in.Size() {
			return nil, false, nil
		}
		_, _ = m.in.Discard(messageHeader) // it was seen
		m.body = make([]byte, 0, size)
	}
	for len(m.body) < cap(m.body) {
		n, err := m.in.Read(m.body[len(m.body):cap(m.body)])
		m.body = m.body[:len(m.body)+n]
		if err != nil {
			return nil, false, err
		}
	}
	body, m.body = m.body, nil
	return body, true, nil
}

// buffered is how much has arrived and was not read.
func (m *messages) buffered() int { return m.in.Buffered() - m.held }

func (m *messages) release() {
	_, _ = m.in.Discard(m.held) // it is in the buffer
	m.held = 0
}
