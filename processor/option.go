// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/mapping"
)

// Overflow says what gives when the queue is full.
type Overflow int

// The policies for a full queue.
const (
	// DropOldest makes room by dropping the oldest records below ERROR, then
	// the oldest ones above. Logging never waits. It is the default.
	DropOldest Overflow = iota
	// DropNewest drops the record that finds no room.
	DropNewest
	// Block makes logging wait for room, up to the block timeout. After a wait
	// in vain records are dropped without waiting until a tenth of the
	// queue is free.
	Block
)

const (
	defaultQueueSize    = 16 << 20
	defaultBlockTimeout = time.Second

	// defaultSpoolSize is sixteen queues: about 700,000 records of 400 bytes, an hour's outage at
	// 200 records a second, and little enough for the scratch disk of a container.
	defaultSpoolSize = 256 << 20

	maxPageSize = 64 << 10
	minPages    = 16 // in a queue, so that dropping one costs little of it
)

// Option configures a [Batch]. Options that are invalid make [NewBatch] fail.
type Option interface {
	apply(config) config
}

type optionFunc func(config) config

func (f optionFunc) apply(c config) config { return f(c) }

// config is what the options say; zero values are not set.
type config struct {
	limits       payload.Limits
	fixedRecords bool // limits.Records is what a request carries, rather than a bound
	interval     time.Duration
	queueSize    int
	pageSize     int
	overflow     Overflow
	blockTimeout time.Duration
	spoolDir     string
	spoolSize    int
	spoolSync    bool
	spoolEvery   time.Duration
	meters       metric.MeterProvider
	onError      func(error)
	problems     []error
}

func (c config) invalid(format string, args ...any) config {
	c.problems = append(c.problems[:len(c.problems):len(c.problems)], fmt.Errorf("processor: "+format, args...))
	return c
}

// WithMaxLogSize bounds one log in bytes as they go over the wire. The default is
// the exporter's; less than 512 or more than the exporter's is an error.
func WithMaxLogSize(bytes int) Option {
	return optionFunc(func(c config) config {
		if bytes < mapping.MinLimit {
			return c.invalid("the max log size is %d bytes; it must be at least %d", bytes, mapping.MinLimit)
		}
		c.limits.LogBytes = bytes
		return c
	})
}

// WithBatchSize bounds the body of one request in bytes. The default is the
// exporter's; less than 514 or more than the exporter's is an error.
func WithBatchSize(bytes int) Option {
	return optionFunc(func(c config) config {
		if bytes < mapping.MinLimit+payload.Overhead {
			return c.invalid("the batch size is %d bytes; it must be at least %d", bytes, mapping.MinLimit+payload.Overhead)
		}
		c.limits.Bytes = bytes
		return c
	})
}

// WithBatchRecords sets how many records one request carries at most; that many do
// not wait for the interval. By default the number adapts to the server: it
// begins at 200 and moves between 50 and the exporter's limit of 1,000, to where
// most rows per second are stored. Less than 1 or more than
// [payload.MaxRecords] is an error.
func WithBatchRecords(n int) Option {
	return optionFunc(func(c config) config {
		if n < 1 || n > payload.MaxRecords {
			return c.invalid("the batch has %d records; it must have 1 to %d", n, payload.MaxRecords)
		}
		c.limits.Records, c.fixedRecords = n, true
		return c
	})
}

// WithBatchInterval is how long a record waits for others at most. The default is
// the exporter's, which comes from PREFECT_LOGGING_TO_API_BATCH_INTERVAL
// (2 s). It must be positive.
func WithBatchInterval(d time.Duration) Option {
	return optionFunc(func(c config) config {
		if d <= 0 {
			return c.invalid("the batch interval is %v; it must be positive", d)
		}
		c.interval = d
		return c
	})
}

// WithQueueSize bounds the memory of the queue in bytes, records under way
// included. It must hold at least one log of the maximum size, twice. The default is
// 16 MiB, or that much if it is more.
func WithQueueSize(bytes int) Option {
	return optionFunc(func(c config) config {
		if bytes <= 0 {
			return c.invalid("the queue size is %d bytes; it must be positive", bytes)
		}
		c.queueSize = bytes
		return c
	})
}

// WithOverflow says what gives when the queue is full; the default is
// [DropOldest]. An unknown policy is an error.
func WithOverflow(policy Overflow) Option {
	return optionFunc(func(c config) config {
		if policy < DropOldest || policy > Block {
			return c.invalid("the overflow policy %d is unknown; it must be DropOldest, DropNewest or Block", policy)
		}
		c.overflow = policy
		return c
	})
}

// WithBlockTimeout is how long logging waits for room at most under [Block]. The
// default is 1 s. It must be positive.
func WithBlockTimeout(d time.Duration) Option {
	return optionFunc(func(c config) config {
		if d <= 0 {
			return c.invalid("the block timeout is %v; it must be positive", d)
		}
		c.blockTimeout = d
		return c
	})
}

// WithSpool keeps each record in a file of dir too, from before OnEmit returns until it is
// stored, refused or dropped. What is left there by a program that was killed is sent by the
// next one with the same dir and API URL, once. Records that find no room in memory wait in
// their files alone. dir is made if it is missing; it must be no symbolic link, be ours, and
// nobody else may write to it. By default there is no spool. An empty dir is an error.
//
// Logging waits for the file, at most 250 ms or, under [Block], the block timeout. A disk that
// is slower or fails is left alone for ten seconds; that is said, and records are kept in
// memory alone meanwhile, and counted ([Stats.Unspooled]).
func WithSpool(dir string) Option {
	return optionFunc(func(c config) config {
		if dir == "" {
			return c.invalid("the folder of the spool is empty; leave the option out for none")
		}
		c.spoolDir = dir
		return c
	})
}

// WithSpoolSize bounds the files of the spool in bytes; each counts 4 KiB more than it holds.
// Where there is no room the overflow policy decides. What earlier processes have
// left may take three quarters; beyond, its oldest records are dropped. It must hold at least one log of the
// maximum size, eight times. The default is 256 MiB, or that much if it is more.
func WithSpoolSize(bytes int) Option {
	return optionFunc(func(c config) config {
		if bytes <= 0 {
			return c.invalid("the spool size is %d bytes; it must be positive", bytes)
		}
		c.spoolSize = bytes
		return c
	})
}

// WithSpoolSync makes records of the spool survive a loss of power: their files are written to
// the disk (fsync) within every, or, where that is 0, before OnEmit returns. By default the
// system decides when, which is enough for a program that is killed. Less than 0 is an error.
func WithSpoolSync(every time.Duration) Option {
	return optionFunc(func(c config) config {
		if every < 0 {
			return c.invalid("the spool is to be synced every %v; it must be 0 or more", every)
		}
		c.spoolSync, c.spoolEvery = true, every
		return c
	})
}

// WithMeterProvider publishes the counters of [Stats] as metrics, under the
// names that OpenTelemetry's semantic conventions give those of an SDK
// (otel.sdk.processor.log.*, otel.sdk.exporter.log.*, with the reason as
// error.type), and the others as prefectlogs.*. By default there are no metrics.
func WithMeterProvider(provider metric.MeterProvider) Option {
	return optionFunc(func(c config) config {
		c.meters = provider
		return c
	})
}

// WithErrorHandler hands everything that the processor has to say to handle, in
// place of writing it to standard error at a bounded rate. handle may be
// called concurrently and while a record is being logged, on a goroutine of its own; what it has not done in
// 250 ms is not waited for. It should not log to what ends here, such as log.Print under
// slog.SetDefault: what it logs may be told of again.
func WithErrorHandler(handle func(error)) Option {
	return optionFunc(func(c config) config {
		c.onError = handle
		return c
	})
}

// newConfig puts what the sender says under the options.
func newConfig(sender Sender, opts []Option) (config, error) {
	var c config
	for _, opt := range opts {
		c = opt.apply(c)
	}
	limits := sender.Limits()
	if c.limits.Bytes > limits.Bytes {
		c = c.invalid("the batch size of %d bytes exceeds the exporter's %d; raise that one", c.limits.Bytes, limits.Bytes)
	}
	if c.limits.LogBytes > limits.LogBytes {
		c = c.invalid("the max log size of %d bytes exceeds the exporter's %d; raise that one", c.limits.LogBytes, limits.LogBytes)
	}
	c.limits.Bytes = cmp.Or(c.limits.Bytes, limits.Bytes)
	c.limits.LogBytes = min(cmp.Or(c.limits.LogBytes, limits.LogBytes), c.limits.Bytes-payload.Overhead)
	c.limits.Records = cmp.Or(c.limits.Records, limits.Records)
	c.interval = cmp.Or(c.interval, sender.Interval())
	c.queueSize = cmp.Or(c.queueSize, max(defaultQueueSize, 2*c.limits.LogBytes))
	c.blockTimeout = cmp.Or(c.blockTimeout, defaultBlockTimeout)
	if c.queueSize < 2*c.limits.LogBytes {
		c = c.invalid("the queue size of %d bytes is less than twice the max log size of %d bytes; raise the one or lower the other", c.queueSize, c.limits.LogBytes)
	}
	c.pageSize = min(maxPageSize, c.queueSize/minPages)
	c.spoolSize = cmp.Or(c.spoolSize, max(defaultSpoolSize, 8*(c.limits.LogBytes+pageOverhead)))
	if _, ok := sender.(Resumer); c.spoolDir != "" && !ok {
		c = c.invalid("the sender is a %T, which cannot resume what another process has left; WithSpool needs a processor.Resumer", sender)
	}
	if c.spoolDir != "" && c.spoolSize < 8*(c.limits.LogBytes+pageOverhead) {
		c = c.invalid("the spool size of %d bytes is less than eight times the max log size of %d bytes and 4,096 each; raise the one or lower the other", c.spoolSize, c.limits.LogBytes)
	}
	return c, errors.Join(c.problems...)
}
