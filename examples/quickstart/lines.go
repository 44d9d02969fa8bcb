// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prefectlogs/prefectlogs/run"
)

// line is one log call of a task, and how it stands on the run's page.
type line struct {
	level   slog.Level
	message string
	args    []any

	prefectLevel int
	text         string // of the page; "" means just the message
}

func (l line) log(ctx context.Context, logger *slog.Logger) {
	logger.Log(ctx, l.level, l.message, l.args...)
}

var stack = string(debug.Stack())

// lines are what each task logs: all levels, attributes of every kind, an error
// with its stack trace, several lines in one message, text of other scripts.
var lines = []line{
	{level: slog.LevelDebug - 4, message: "tracing the cart", prefectLevel: 10, text: "tracing the cart severity=TRACE"},
	{
		level: slog.LevelDebug, message: "cart loaded", args: []any{"items", 3, "cached", true, "source", "eu west"},
		prefectLevel: 10, text: `cart loaded items=3 cached=true source="eu west"`,
	},
	{
		level: slog.LevelInfo, message: "total computed", args: []any{"amount", 129.95, "customer", slog.GroupValue(slog.Int("id", 7))},
		prefectLevel: 20, text: "total computed amount=129.95 customer.id=7",
	},
	{level: slog.LevelInfo, message: "Grüße aus Köln, 東京 и Москва 🎉", prefectLevel: 20},
	{level: slog.LevelInfo, message: "invoice:\n  1 × tea\n  2 × cups", prefectLevel: 20},
	{level: slog.LevelWarn, message: "stock is low", args: []any{"left", 2}, prefectLevel: 30, text: "stock is low left=2"},
	{
		level: slog.LevelError, message: "payment failed",
		args:         []any{"exception.type", "*net.OpError", "exception.message", "connection refused", "exception.stacktrace", stack},
		prefectLevel: 40, text: "payment failed\n*net.OpError: connection refused\n" + trimNewline(stack),
	},
	{level: slog.LevelError + 4, message: "giving up on the order", prefectLevel: 50},
}

// The lines of the flow run itself.
var (
	received = line{level: slog.LevelInfo, message: "order 4711 received", prefectLevel: 20}
	done     = line{level: slog.LevelInfo, message: "order 4711 done", args: []any{"tasks", 2}, prefectLevel: 20, text: "order 4711 done tasks=2"}
)

func trimNewline(s string) string { return s[:len(s)-1] }

// entry is one call that was logged, with its run.
type entry struct {
	line
	time time.Time
	run  run.Info
}

// recorder passes records on and remembers them, so that what is read back can be
// compared with what was logged. It gives every record a microsecond of
// its own, as a clock would that is never read twice in one.
type recorder struct {
	slog.Handler

	mu   sync.Mutex
	last time.Time
	said []entry
}

func (r *recorder) Handle(ctx context.Context, record slog.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	record.Time = record.Time.Truncate(time.Microsecond)
	if !record.Time.After(r.last) {
		record.Time = r.last.Add(time.Microsecond)
	}
	r.last = record.Time
	info, _ := run.FromContext(ctx)
	for _, line := range append(lines, received, done) {
		if line.message == record.Message {
			r.said = append(r.said, entry{line: line, time: record.Time, run: info})
		}
	}
	return r.Handler.Handle(ctx, record)
}
