// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package payload

// Page is a block of lines of one fixed capacity: the unit in which memory is
// asked for, counted and given back. The zero Page is not usable; see [NewPage].
type Page struct {
	buf     []byte
	records int
}

// NewPage returns an empty page that holds up to capacity bytes.
func NewPage(capacity int) *Page {
	return &Page{buf: make([]byte, 0, capacity)}
}

// NewPageOf returns a page that holds a copy of line and has no room for another one. A long line costs less so
// than in a page from [NewPage], whose memory is cleared before it is written.
func NewPageOf(line []byte) *Page {
	copied := append([]byte(nil), line...)
	return &Page{buf: copied[:len(line):len(line)], records: 1}
}

// Append copies line to the end of the page. It returns the copy, or nil where
// the page has no room for the line.
func (p *Page) Append(line []byte) []byte {
	need := len(line)
	if len(p.buf) > 0 {
		need += len(separator)
	}
	if need > cap(p.buf)-len(p.buf) {
		return nil
	}
	if len(p.buf) > 0 {
		p.buf = append(p.buf, separator...)
	}
	at := len(p.buf)
	p.buf = append(p.buf, line...)
	p.records++
	return p.buf[at:]
}

// Lines returns all lines of the page.
func (p *Page) Lines() Lines { return Lines{bytes: p.buf, records: p.records} }

// Cap returns the memory that the page takes, in bytes.
func (p *Page) Cap() int { return cap(p.buf) }

// Reset empties the page, to be filled again.
func (p *Page) Reset() {
	p.buf = p.buf[:0]
	p.records = 0
}
