// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"bytes"
	"cmp"
	"encoding/base64"
	stdjson "encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/segmentio/encoding/json"
)

// minSecret is the length from which a text can be masked.
const minSecret = 4

// stars stand in place of a secret, as in Prefect's own logs. Of a short secret
// there are four, so that a mask is never longer than what it covers.
const stars = "********"

// secrets are the texts that no line shows, each as it stands within a line:
// escaped once, and before that as often as quotings have it. The longest stand first. An encoder holds them by a pointer, which is all that fmt
// shows of them. nil is none.
type secrets struct {
	forms [][]byte
}

func newSecrets(texts []string) *secrets {
	var all [][]byte
	add := func(s string) {
		escaped := text{buf: []byte{'"'}, start: 1, limit: maxEscape*len(s) + 64, keepANSI: true}
		escaped.append(s)
		if form := escaped.buf[1:]; len(form) >= minSecret && !slices.ContainsFunc(all, func(known []byte) bool { return bytes.Equal(known, form) }) {
			all = append(all, form)
		}
	}
	for _, secret := range texts {
		if len(secret) < minSecret {
			continue
		}
		forms := []string{secret, url.QueryEscape(secret), url.PathEscape(secret)}
		if strings.Contains(secret, ":") { // as an Authorization header has it
			forms = append(forms, base64.StdEncoding.EncodeToString([]byte(secret)))
		}
		for _, form := range quotings(forms) {
			add(form)
		}
	}
	if len(all) == 0 {
		return nil
	}
	slices.SortFunc(all, func(a, b []byte) int { return cmp.Compare(len(b), len(a)) })
	return &secrets{all}
}

// maxQuotings is how deep a secret stands in quotes at most: as JSON within a list, which is JSON and in
// key=value text is quoted.
const maxQuotings = 3

// quotings returns the forms and what they are within quotes and JSON, of ours and of others. Most secrets
// hold nothing that would be escaped, and are the same everywhere.
func quotings(forms []string) []string {
	for from, level := 0, 0; level < maxQuotings; level++ {
		end := len(forms)
		for _, form := range forms[from:end] {
			html, _ := stdjson.Marshal(form) // of a string never an error
			for _, quoted := range []string{strconv.Quote(form), string(json.AppendEscape(nil, form, 0)), string(html)} {
				if inner := quoted[1 : len(quoted)-1]; !slices.Contains(forms, inner) {
					forms = append(forms, inner)
				}
			}
		}
		from = end
	}
	return forms
}

// mask covers the secrets in a text, which never becomes longer. Where the text
// was cut, the beginning of a secret right before the mark is removed.
func (list *secrets) mask(t *text) {
	if list != nil {
		list.maskAll(t)
	}
}

func (list *secrets) maskAll(t *text) {
	for _, secret := range list.forms {
		t.buf = maskOne(t.buf, t.start, secret)
	}
	if !t.cut || !bytes.HasSuffix(t.buf[t.start:], []byte(mark)) {
		return
	}
	end := len(t.buf) - len(mark)
	for _, secret := range list.forms {
		for n := min(len(secret)-1, end-t.start); n >= minSecret; n-- {
			if bytes.HasSuffix(t.buf[t.start:end], secret[:n]) && escapedBorder(t.buf, t.start, end-n) == end-n {
				t.buf = append(t.buf[:end-n], mark...)
				return
			}
		}
	}
}

// maskOne covers one secret in buf[start:].
func maskOne(buf []byte, start int, secret []byte) []byte {
	read, write := start, start
	for scan := start; ; {
		i := bytes.Index(buf[scan:], secret)
		if i < 0 {
			break
		}
		at := scan + i
		if escapedBorder(buf, read, at) != at { // within an escape: not this text
			scan = at + 1
			continue
		}
		write += copy(buf[write:], buf[read:at])
		cover := stars
		if len(secret) < len(stars) {
			cover = stars[:minSecret]
		}
		write += copy(buf[write:], cover)
		read = at + len(secret)
		scan = read
	}
	if read == start {
		return buf
	}
	write += copy(buf[write:], buf[read:])
	return buf[:write]
}
