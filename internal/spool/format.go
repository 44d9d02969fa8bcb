// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
)

// version is that of the format of a page.
const version = 1

// ending follows each line of a page, as it separates two lines of a request.
const ending = ",\n"

// header is the first line of a page.
type header struct {
	Version int    `json:"prefectlogs_spool"`
	Target  string `json:"target"`
}

// maxHeader bounds the header that is looked for in a file.
const maxHeader = 8 << 10

func (h header) append(dst []byte) []byte {
	text, err := json.Marshal(h)
	if err != nil {
		text = nil // a string and a number always have a form
	}
	return append(append(dst, text...), '\n')
}

// errTorn: the process ended while it wrote the header; no line follows it.
var errTorn = errors.New("its header is not complete")

// readHeader reads the header of a page and returns what follows it.
func readHeader(page []byte) (h header, body []byte, err error) {
	first, body, found := bytes.Cut(page[:min(len(page), maxHeader)], []byte("\n"))
	if !found && len(page) < maxHeader {
		return h, nil, errTorn
	}
	if !found || json.Unmarshal(first, &h) != nil || h.Version == 0 {
		return h, nil, errors.New("it does not begin with the header of a spool")
	}
	if h.Version != version {
		return h, nil, fmt.Errorf("it has version %d of the format, and this program reads version %d", h.Version, version)
	}
	return h, page[len(first)+1:], nil
}

// readBody hands each whole line to line and returns how many bytes belong to none.
func readBody(body []byte, line func([]byte)) (cut int) {
	for len(body) > 0 {
		end := bytes.Index(body, []byte(ending))
		if end < 0 {
			return cut + len(body)
		}
		segment := body[:end]
		body = body[end+len(ending):]
		// What an interrupted write has left stands before a line, without an ending. A line
		// begins as nothing inside one can: text has its quotes escaped.
		if at := bytes.LastIndex(segment, []byte(payload.LineStart)); at > 0 {
			cut += at
			segment = segment[at:]
		}
		if !payload.Valid(segment) {
			cut += len(segment) + len(ending)
			continue
		}
		line(segment)
	}
	return cut
}
