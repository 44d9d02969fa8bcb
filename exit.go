// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"go.opentelemetry.io/otel/attribute"
	otellog "go.opentelemetry.io/otel/log"

	"github.com/prefectlogs/prefectlogs/internal/own"
)

// lastWords is how long a program that ends in a hurry waits for its logs.
const lastWords = 10 * time.Second

// Recover logs a panic into the run of ctx, delivers what is queued and panics
// again with the same value. Defer it in main, behind the defer of Shutdown so that it runs before that, and at
// the beginning of each goroutine whose panic should stand on the run's page:
//
//	defer pipeline.Shutdown(context.Background())
//	defer pipeline.Recover(ctx)
//
// The log has level CRITICAL (50), the panic's text as its message and the stack
// behind it. Without a panic nothing happens. It takes at most 10 seconds.
func (p *Pipeline) Recover(ctx context.Context) {
	value := recover()
	if value == nil {
		return
	}
	ctx = own.Given(ctx)
	var record otellog.Record
	record.SetTimestamp(time.Now())
	record.SetSeverity(otellog.SeverityFatal)
	record.SetSeverityText("PANIC")
	record.SetBody(attribute.StringValue(fmt.Sprint("panic: ", value)))
	record.AddAttributes(attribute.String("exception.stacktrace", string(debug.Stack())))
	p.provider.Logger("prefectlogs").Emit(context.WithoutCancel(ctx), record)

	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	_ = p.ForceFlush(ctx) // the panic is what matters now
	panic(value)
}

// Exit delivers what is queued and ends the program with the code, within 10
// seconds. Use it in place of os.Exit, which runs no deferred call; log.Fatal,
// which calls os.Exit, loses what is queued.
func (p *Pipeline) Exit(code int) {
	ctx, cancel := context.WithTimeout(context.Background(), lastWords)
	defer cancel()
	if err := p.Shutdown(ctx); err != nil {
		p.reporter.Tell(err)
	}
	os.Exit(code)
}
