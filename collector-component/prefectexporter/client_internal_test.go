// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectexporter

import (
	"io"
	"testing"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
)

func TestPagesAreKeptWhileTheyAreRead(t *testing.T) {
	open := new(bodies)
	var request payload.Request
	body := watchedBody{body: &request, open: open}
	reader := body.Body()
	p := &push{}
	page := payload.NewPage(pageSize)
	page.Append([]byte("line"))
	p.release(page, open)
	if page.Lines().Records() != 1 {
		t.Error("a page is emptied while it is read")
	}
	if _, err := io.ReadAll(reader); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := reader.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if open.open.Load() != 0 {
		t.Errorf("%d are open", open.open.Load())
	}
	p.release(page, open)
	if page.Lines().Records() != 0 {
		t.Error("a page is not given back")
	}
}
