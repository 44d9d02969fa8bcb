// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectexporter

import (
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.uber.org/zap"
)

// health is the status of the component: it is well if all of its targets are. It is safe for concurrent use.
type health struct {
	mu   sync.Mutex // guards what follows, and keeps reports in order
	host component.Host
	bad  map[string]error // targets that are not well
}

func newHealth() *health { return &health{bad: map[string]error{}} }

// start begins to report to host.
func (h *health) start(host component.Host) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.host = host
	clear(h.bad)
}

// set says what is wrong with a target that people have to mend; nil: nothing. Only a change is reported.
func (h *health) set(target string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, was := h.bad[target]
	if h.host == nil || was == (err != nil) {
		return
	}
	if err != nil {
		h.bad[target] = err
		componentstatus.ReportStatus(h.host, componentstatus.NewRecoverableErrorEvent(err))
		return
	}
	if delete(h.bad, target); len(h.bad) == 0 {
		componentstatus.ReportStatus(h.host, componentstatus.NewEvent(componentstatus.StatusOK))
	}
}

// once keeps the log free of what it has said already.
type once struct {
	logger *zap.Logger
	mu     sync.Mutex           // guards said
	said   map[string]time.Time // by what it is about
}

// Something is said again after an hour, and so much is remembered.
const (
	sayAgain = time.Hour
	maxSaid  = 256
)

func newOnce(logger *zap.Logger) *once { return &once{logger: logger, said: map[string]time.Time{}} }

// warn logs, unless the same was said of the same within the hour.
func (o *once) warn(about, text string, fields ...zap.Field) {
	now := time.Now()
	o.mu.Lock()
	last, known := o.said[about]
	silent := known && now.Sub(last) < sayAgain || !known && len(o.said) >= maxSaid
	if !silent {
		o.said[about] = now
	}
	o.mu.Unlock()
	if !silent {
		o.logger.Warn(text, fields...)
	}
}
