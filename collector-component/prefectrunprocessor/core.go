// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectrunprocessor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/processor"
	"go.uber.org/zap"

	"github.com/prefectlogs/prefectlogs/collector-component/internal/join"
	"github.com/prefectlogs/prefectlogs/collector-component/internal/watch"
	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
)

// core is what all pipelines share that name one id of the processor. It is safe for concurrent use.
type core struct {
	config    *Config
	plan      plan
	logger    *zap.Logger
	telemetry *telemetry
	userAgent string
	users     int         // see instances
	release   func() bool // takes one of them off

	mu     sync.Mutex // guards joiner, and the order in which it is told things and settled logs are handed out
	joiner *join.Joiner[held]
	told   join.Forgotten // what the metrics know of

	starting sync.Once
	failed   error // of starting
	end      context.CancelFunc
	work     sync.WaitGroup
	client   *prefectapi.Client
	ill      illness // what was told of watching last
	badIDs   sync.Map
}

func newCore(set processor.Settings, config *Config) (*core, error) {
	c := &core{
		config: config, logger: set.Logger, userAgent: set.BuildInfo.Command + "/" + set.BuildInfo.Version, end: func() {},
		joiner: join.New[held](join.Config{
			MaxBytes: config.MaxTraceBytes, Expiry: config.TraceExpiry, MaxWait: config.MaxWait, MaxWaitBytes: config.MaxWaitBytes,
		}, time.Now()),
	}
	var err error
	if c.plan, err = config.plan(c.badID); err != nil {
		return nil, err
	}
	if c.telemetry, err = newTelemetry(set, c.stats); err != nil {
		return nil, err
	}
	for _, notice := range c.plan.notices {
		set.Logger.Warn(notice)
	}
	return c, nil
}

// badID says once of a key that it holds no run id. There are few such keys: they stand in the configuration.
func (c *core) badID(key string) {
	if _, said := c.badIDs.LoadOrStore(key, true); !said {
		c.logger.Warn("An attribute that should hold the id of a run holds no UUID and counts as absent. Have it hold the run's id, or leave it out.", zap.String("key", key))
	}
}

// start begins what goes on by itself. It is called by every user; the first call counts.
func (c *core) start(ctx context.Context, host component.Host) error {
	c.starting.Do(func() { c.failed = c.begin(ctx, host) })
	return c.failed
}

func (c *core) begin(ctx context.Context, host component.Host) error {
	background, end := context.WithCancel(context.Background())
	if c.plan.connection != nil {
		// Without providers of telemetry the transport comes bare, so that its idle connections can be closed.
		made, err := c.plan.connection.HTTP.ToClient(ctx, host.GetExtensions(), component.TelemetrySettings{Logger: c.logger})
		if err == nil {
			c.client, err = c.plan.connection.Client(c.userAgent, made.Transport)
		}
		if err != nil {
			end()
			return fmt.Errorf("making a client for watch::endpoint: %w", err)
		}
		c.work.Go(func() { c.watch(background, host) })
	}
	c.end = end
	c.work.Go(func() { c.tick(background) })
	return nil
}

// stop ends what goes on by itself.
func (c *core) stop() {
	c.end()
	c.work.Wait()
	if c.client != nil {
		c.client.Close()
	}
	if err := c.telemetry.close(); err != nil {
		c.logger.Warn("The processor has ended, and its metrics could not be taken out of the Collector's: they may show old values.", zap.Error(err))
	}
}

// tick settles logs that have waited for long enough.
func (c *core) tick(ctx context.Context) {
	ticker := time.NewTicker(min(max(c.config.MaxWait/20, 20*time.Millisecond), time.Second))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			c.with(func(j *join.Joiner[held], now time.Time) { j.Expire(now) })
		}
	}
}

// with tells the joiner something, and hands out the logs that this has settled, in order.
func (c *core) with(tell func(j *join.Joiner[held], now time.Time)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	tell(c.joiner, time.Now())
	for _, settled := range c.joiner.Settled() {
		settled.Log.to.outbox.add(settled)
	}
	now := c.joiner.Stats().Forgotten
	c.telemetry.forgot(c.told, now)
	c.told = now
}

func (c *core) stats() join.Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.joiner.Stats()
}

// watch learns which runs are under way, until ctx ends.
func (c *core) watch(ctx context.Context, host component.Host) {
	config := c.config.Watch.Get()
	watch.Run(ctx, c.client, watch.Config{
		Interval: config.Interval, Limit: config.MaxRuns,
		Learn: func(labels []join.Label) {
			const atOnce = 500 // others want the lock too
			for len(labels) > 0 {
				n := min(len(labels), atOnce)
				c.with(func(j *join.Joiner[held], now time.Time) {
					for _, label := range labels[:n] {
						j.Label(now, label)
					}
				})
				c.telemetry.learnt(fromLabel, n)
				labels = labels[n:]
			}
		},
		Tell: func(err error, all bool) { c.tell(host, err, all) },
	})
}

// illness is what is wrong with watching: 0 for nothing, else 1 and the kind of the error.
type illness uint8

func illnessOf(err error) illness {
	if err == nil {
		return 0
	}
	kind := prefectapi.KindNetwork
	if failed, ok := errors.AsType[*prefectapi.Error](err); ok {
		kind = failed.Kind
	}
	return 1 + illness(kind)
}

// tell says how watching goes, where that has changed.
func (c *core) tell(host component.Host, err error, all bool) {
	c.telemetry.watched(err, all)
	now := illnessOf(err)
	if now == c.ill {
		return
	}
	c.ill = now
	if err == nil {
		c.logger.Info("Prefect tells again which runs are under way.")
		componentstatus.ReportStatus(host, componentstatus.NewEvent(componentstatus.StatusOK))
		return
	}
	c.logger.Warn("Prefect does not tell which runs are under way. Logs get their runs as far as spans tell them.", zap.Error(err))
	if now == 1+illness(prefectapi.KindAccess) {
		componentstatus.ReportStatus(host, componentstatus.NewRecoverableErrorEvent(err))
	}
}
