// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package diag

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// What standard error takes: a burst of lines, and then one line in each interval.
const (
	burst    = 10
	interval = 10 * time.Second
)

// stderr is one for the whole process, so that many pipelines share its rate.
var stderr = &limitedWriter{out: os.Stderr, tokens: burst}

// Stderr writes an error as one line to standard error. Lines beyond the rate
// are counted, and the next line says how many there were.
func Stderr(err error) { stderr.write(err) }

type limitedWriter struct {
	out io.Writer

	mu         sync.Mutex // guards what follows; not held while writing
	tokens     int
	since      time.Time // when the last token was added
	suppressed int
}

func (w *limitedWriter) write(err error) {
	now := time.Now()
	w.mu.Lock()
	if earned := int(now.Sub(w.since) / interval); earned > 0 {
		w.tokens = min(w.tokens+earned, burst)
		w.since = now
	}
	if w.tokens == 0 {
		w.suppressed++
		w.mu.Unlock()
		return
	}
	w.tokens--
	suppressed := w.suppressed
	w.suppressed = 0
	w.mu.Unlock()

	line := fmt.Sprintf("prefectlogs: %v\n", err)
	if suppressed > 0 {
		line += fmt.Sprintf("prefectlogs: %d messages before this one were left out\n", suppressed)
	}
	_, _ = io.WriteString(w.out, line) // there is nowhere else to say it
}
